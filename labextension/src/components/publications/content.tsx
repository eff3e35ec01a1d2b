import * as React from 'react';

import type { IPublicationVersion } from '../../api';
import { useEtl } from '../shared/context';
import { ErrorNotice } from '../shared/notice';
import { useFetched } from '../shared/useFetched';

/** Images that a browser can show, by file extension. */
const IMAGES: Record<string, string> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  svg: 'image/svg+xml'
};

const MOST_BYTES = 10_000_000;

/** The media type of a published image; null for other files, and for images too large to show. */
export function imageType(version: IPublicationVersion): string | null {
  const { kind, location, bytes, content_hash } = version.what;
  const extension = location.split('.').pop()?.toLowerCase() ?? '';
  return kind === 'file' && content_hash && bytes <= MOST_BYTES
    ? (IMAGES[extension] ?? null)
    : null;
}

/** A published image; fetched again only where its hash has changed. */
export function ImageView(props: {
  version: IPublicationVersion;
  type: string;
  thumbnail?: boolean;
}): JSX.Element {
  const { model, trans } = useEtl();
  const { name, number, draft, what } = props.version;
  const { value, error, retry } = useFetched(
    () => model.client.content(name, { version: number, draft }),
    [model, name, what.content_hash]
  );
  const [url, setUrl] = React.useState('');
  React.useEffect(() => {
    if (!value) {
      return;
    }
    // As an image, an SVG cannot run scripts.
    const created = URL.createObjectURL(
      new Blob([value], { type: props.type })
    );
    setUrl(created);
    return () => URL.revokeObjectURL(created);
  }, [value, props.type]);
  if (error) {
    return <ErrorNotice error={error} onRetry={retry} />;
  }
  return url ? (
    <img
      className={`jp-EtlImage ${props.thumbnail ? 'jp-mod-thumbnail' : ''}`}
      src={url}
      alt={trans.__('%1, version %2', name, number)}
    />
  ) : (
    <div className="jp-EtlWaiting" role="status">
      {trans.__('Loading…')}
    </div>
  );
}

/** A published report in a sandboxed frame, which can run its own scripts only. */
export function ReportView(props: {
  version: IPublicationVersion;
}): JSX.Element {
  const { model, trans } = useEtl();
  const { name, number, draft, what } = props.version;
  const { value, error, retry } = useFetched(
    async () =>
      (await model.client.content(name, { version: number, draft })).text(),
    [model, name, what.content_hash]
  );
  if (error) {
    return <ErrorNotice error={error} onRetry={retry} />;
  }
  return value === null ? (
    <div className="jp-EtlWaiting" role="status">
      {trans.__('Loading…')}
    </div>
  ) : (
    <iframe
      className="jp-EtlPage-report"
      sandbox="allow-scripts"
      referrerPolicy="no-referrer"
      title={trans.__('Report %1, version %2', name, number)}
      srcDoc={value}
    />
  );
}
