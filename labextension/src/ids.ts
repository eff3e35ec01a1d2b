/** Ids of the commands. */
export namespace CommandIDs {
  /** Show the panel; args: tab, run. */
  export const open = 'jupyter-etl:open';
  /** Open the schedule dialog; args: path. */
  export const schedule = 'jupyter-etl:schedule';
  /** The same for the notebook chosen in the file browser. */
  export const scheduleFile = 'jupyter-etl:schedule-file';
  /** Open the executed notebook of a run; args: id, cell. */
  export const openRun = 'jupyter-etl:open-run';
  /** Open the log of a run; args: id. */
  export const openLog = 'jupyter-etl:open-log';
  /** Preview a source or publication; args: kind, name, table, version, draft. */
  export const preview = 'jupyter-etl:preview';
  /** Open a published report; args: name, version, draft. */
  export const openReport = 'jupyter-etl:open-report';
  /** Open the page of a publication; args: name. */
  export const openPublication = 'jupyter-etl:open-publication';
  /** Insert a cell; args: source. */
  export const insertCell = 'jupyter-etl:insert-cell';
  /** Fetch everything again. */
  export const refresh = 'jupyter-etl:refresh';
  /** Run, pause or resume a pipeline, unschedule it; args: pipeline. */
  export const trigger = 'jupyter-etl:trigger';
  export const pause = 'jupyter-etl:pause';
  export const resume = 'jupyter-etl:resume';
  export const unschedule = 'jupyter-etl:unschedule';
  /** Set the notebook of a pipeline; args: pipeline, path. */
  export const relink = 'jupyter-etl:relink';
  /** Cancel or retry a run; args: id. */
  export const cancelRun = 'jupyter-etl:cancel-run';
  export const retryRun = 'jupyter-etl:retry-run';
}
