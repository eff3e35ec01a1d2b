import * as React from 'react';

import type { IBundleFile } from '../../api';
import { formatBytes } from '../../model';
import { useEtl } from '../shared/context';
import { Field } from '../shared/fields';
import type { IFormPart } from './scheduleFields';

/** The local files that the version pins, and glob patterns of further files. */
export function PinnedFiles(
  props: IFormPart & { files: IBundleFile[] }
): JSX.Element {
  const { trans } = useEtl();
  const { files, form, onChange } = props;
  return (
    <section aria-label={trans.__('Files')}>
      <div className="jp-EtlForm-title">{trans.__('Files')}</div>
      {files.length ? (
        <ul className="jp-EtlFiles">
          {files.map(file => (
            <li key={file.path}>
              <code>{file.path}</code>{' '}
              <span className="jp-EtlField-note">
                {formatBytes(file.bytes)}
              </span>
            </li>
          ))}
        </ul>
      ) : (
        <p className="jp-EtlField-note">
          {trans.__('The notebook imports no local modules.')}
        </p>
      )}
      <Field
        label={trans.__('Also include')}
        help={trans.__(
          'Glob patterns of data files to include in the version, separated by spaces.'
        )}
      >
        {ids => (
          <input
            {...ids}
            type="text"
            className="jp-mod-styled"
            placeholder={trans.__('config/*.yaml')}
            value={form.include}
            onChange={event =>
              onChange({ ...form, include: event.target.value })
            }
          />
        )}
      </Field>
    </section>
  );
}
