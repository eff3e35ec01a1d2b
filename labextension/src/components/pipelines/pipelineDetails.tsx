import {
  closeIcon,
  historyIcon,
  notebookIcon
} from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IPipelineView } from '../../api';
import {
  formatDuration,
  formatMoment,
  formatValue,
  shortPath
} from '../../model';
import { Action } from '../shared/action';
import { useEtl } from '../shared/context';
import { Facts } from '../shared/row';
import { Watermarks } from './watermarks';

/** The facts of a pipeline, and further actions. */
export function PipelineDetails(props: {
  pipeline: IPipelineView;
}): JSX.Element {
  const { model, opener, trans } = useEtl();
  const { pipeline } = props;
  const { name, notebook_path: path, policy, next_due: next } = pipeline;
  const parameters = Object.entries(pipeline.parameters);
  const tags = Object.entries(policy.tags ?? {});
  return (
    <>
      <Facts
        facts={[
          [
            trans.__('Notebook'),
            <span key="notebook" title={pipeline.notebook}>
              {shortPath(path ?? pipeline.notebook)}
            </span>
          ],
          [trans.__('Version'), `v${pipeline.version}`],
          [trans.__('Owner'), pipeline.owner],
          next ? [trans.__('Next run'), formatMoment(next)] : null,
          [
            trans.__('Last success'),
            pipeline.last_success_at
              ? formatMoment(pipeline.last_success_at)
              : trans.__('none yet')
          ],
          [
            trans.__('Policy'),
            trans.__(
              '%1 retries, time limit %2, catch-up: %3, overlap: %4',
              policy.retries,
              formatDuration(pipeline.time_limit.seconds) +
                (pipeline.time_limit.why
                  ? ` (${pipeline.time_limit.why})`
                  : ''),
              policy.catchup,
              policy.overlap
            )
          ],
          tags.length
            ? [
                trans.__('Tags'),
                tags.map(([key, value]) => (
                  <button
                    key={key}
                    type="button"
                    className="jp-EtlTag"
                    title={trans.__('Show the pipelines with this tag')}
                    onClick={() =>
                      model.filterPipelines({
                        filter: 'all',
                        search: `${key}=${value}`
                      })
                    }
                  >
                    {`${key}=${value}`}
                  </button>
                ))
              ]
            : null,
          pipeline.cold_start
            ? [trans.__('Startup'), pipeline.cold_start]
            : null,
          parameters.length
            ? [
                trans.__('Parameters'),
                parameters
                  .map(([key, value]) => `${key} = ${formatValue(value)}`)
                  .join(', ')
              ]
            : null
        ]}
      />
      <Watermarks pipeline={name} lastRun={lastEnd(pipeline)} />
      <div className="jp-EtlRow-buttons">
        {path !== null && !pipeline.missing ? (
          <Action
            label={trans.__('Open notebook')}
            of={name}
            icon={notebookIcon}
            text
            onClick={() => opener.openNotebook(path, name)}
          />
        ) : null}
        <Action
          label={trans.__('Show runs')}
          of={name}
          line={pipeline.lines.runs}
          icon={historyIcon}
          text
          onClick={() => {
            model.filterRuns({ pipeline: name, state: '' });
            model.tab = 'runs';
          }}
        />
        <Action
          label={trans.__('Unschedule')}
          of={name}
          line={pipeline.lines.unschedule}
          icon={closeIcon}
          text
          onClick={() => model.unschedule(name)}
        />
      </div>
    </>
  );
}

/** Changes whenever a run starts or ends. */
function lastEnd(pipeline: IPipelineView): string {
  const last = pipeline.last_runs[pipeline.last_runs.length - 1];
  return last ? `${last.id} ${last.state}` : '';
}
