import { LabIcon } from '@jupyterlab/ui-components';

const svg = (body: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24"><g class="jp-icon3" fill="#616161">${body}</g></svg>`;

/** Rows that move on: the sign of the extension. */
export const etlIcon = new LabIcon({
  name: 'jupyterlab-etl:etl',
  svgstr: svg(
    '<path d="M3 4.5h11v3H3zM3 10.5h6v3H3zM3 16.5h11v3H3z"/><path d="M16 6.8 21.6 12 16 17.2v-3.7h-5v-3h5z"/>'
  )
});

export const scheduleIcon = new LabIcon({
  name: 'jupyterlab-etl:schedule',
  svgstr: svg(
    '<path d="M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zm0 2a7 7 0 1 1 0 14 7 7 0 0 1 0-14z"/><path d="M11 7.5h2v4.1l3 1.8-1 1.7-4-2.4z"/>'
  )
});

export const databaseIcon = new LabIcon({
  name: 'jupyterlab-etl:database',
  svgstr: svg(
    '<path d="M12 3C7.6 3 4 4.3 4 6v12c0 1.7 3.6 3 8 3s8-1.3 8-3V6c0-1.7-3.6-3-8-3zm0 2c3.6 0 5.7.8 6 1-.3.2-2.4 1-6 1s-5.7-.8-6-1c.3-.2 2.4-1 6-1zM6 8.3c1.5.5 3.6 .8 6 .8s4.5 -.3 6-.8v3c-.8.4-2.9 .9-6 .9s-5.2 -.5-6-.9zm0 5.2 c1.5.5 3.6 .8 6 .8s4.5 -.3 6-.8v4.3 c-.8.4 -2.9  1-6 1s-5.2 -.6-6-1z"/>'
  )
});

export const tableIcon = new LabIcon({
  name: 'jupyterlab-etl:table',
  svgstr: svg(
    '<path d="M3 4h18v16H3zm2 5v3h6V9zm8 0v3h6V9zm-8 5v4h6v-4zm8 0v4h6v-4z"/>'
  )
});

export const reportIcon = new LabIcon({
  name: 'jupyterlab-etl:report',
  svgstr: svg(
    '<path d="M4 3h16v18H4zm2 2v14h12V5z"/><path d="M8 12h2v5H8zM11 8h2v9h-2zM14 10h2v7h-2z"/>'
  )
});

export const apiIcon = new LabIcon({
  name: 'jupyterlab-etl:api',
  svgstr: svg(
    '<path d="m8.5  6 1.4  1.4 L5.3  12l4.6  4.6 L8.5  18l-6-6zM15.5  6l6 6-6 6-1.4 -1.4  4.6 -4.6 -4.6 -4.6 z"/>'
  )
});

export const retryIcon = new LabIcon({
  name: 'jupyterlab-etl:retry',
  svgstr: svg(
    '<path d="M12 5V1.5 L7 6l5 4.5 V7a5.5  5.5  0 1 1-5.3  7H4.6 A7.5  7.5  0 1 0 12 5z"/>'
  )
});
