import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { ApiError, errorOf } from './error';
import type {
  IDeployment,
  IDeployRequest,
  IHold,
  ILines,
  INotebookInfo,
  IPage,
  IPipelineParameters,
  IPipelineView,
  IPreview,
  IPublicationDetails,
  IPublicationView,
  IRetriedRun,
  IRunDetails,
  IRunView,
  ISchedulePreview,
  ISource,
  ISourceDetails,
  ISummary,
  ITriggerRequest,
  IVersionDifference,
  IWatermark,
  Json
} from './types';

type Query = Record<string, string | number | boolean | null | undefined>;

/** Which slice of a list. */
export interface ISlice {
  limit: number;
  offset: number;
}

/** Which version of a publication. */
export interface IWhich {
  version?: number | null;
  draft?: boolean;
}

/** The REST API; each method is one request. */
export class EtlClient {
  /**
   * @param serverSettings - Address and credentials of the server.
   */
  constructor(serverSettings: ServerConnection.ISettings) {
    this._settings = serverSettings;
  }

  summary(): Promise<ISummary> {
    return this._json('summary');
  }

  async sources(): Promise<IPage<ISource>> {
    const { items } = await this._json<{ items: ISource[] }>('sources');
    return { items, total: items.length };
  }

  source(name: string): Promise<ISourceDetails> {
    return this._json(path('sources', name));
  }

  previewSource(name: string, table: string, limit: number): Promise<IPreview> {
    return this._json(path('sources', name, 'preview'), { table, limit });
  }

  pipelines(
    query: { filter: string; search: string } & ISlice
  ): Promise<IPage<IPipelineView>> {
    return this._json('pipelines', query);
  }

  pipeline(name: string): Promise<IPipelineView> {
    return this._json(path('pipelines', name));
  }

  deploy(request: IDeployRequest): Promise<IDeployment> {
    return this._json('pipelines', {}, 'POST', request);
  }

  unschedule(name: string): Promise<void> {
    return this._nothing(path('pipelines', name), 'DELETE');
  }

  pause(name: string): Promise<void> {
    return this._nothing(path('pipelines', name, 'pause'), 'POST');
  }

  resume(name: string): Promise<void> {
    return this._nothing(path('pipelines', name, 'resume'), 'POST');
  }

  /** Set the notebook of a pipeline; with null the server searches for it. */
  relink(name: string, notebook: string | null): Promise<void> {
    return this._nothing(path('pipelines', name, 'relink'), 'POST', {
      notebook
    });
  }

  /** What the deployed version declares, and the values it was deployed with. */
  parameters(name: string): Promise<IPipelineParameters> {
    return this._json(path('pipelines', name, 'parameters'));
  }

  trigger(name: string, request: ITriggerRequest): Promise<IRunView> {
    return this._json(path('pipelines', name, 'trigger'), {}, 'POST', request);
  }

  /** The lines that ask for the same run. */
  triggerLines(name: string, request: ITriggerRequest): Promise<ILines> {
    return this._json(
      path('pipelines', name, 'trigger', 'lines'),
      {},
      'POST',
      request
    );
  }

  async watermarks(pipeline: string): Promise<IWatermark[]> {
    const { items } = await this._json<IPage<IWatermark>>(
      path('pipelines', pipeline, 'watermarks')
    );
    return items;
  }

  resetWatermark(mark: IWatermark): Promise<void> {
    const { pipeline, table, since } = mark;
    return this._nothing(
      path('pipelines', pipeline, 'watermarks', 'reset'),
      'POST',
      { table, since }
    );
  }

  runs(
    query: { pipeline: string; state: string } & ISlice
  ): Promise<IPage<IRunView>> {
    return this._json('runs', query);
  }

  run(id: number): Promise<IRunDetails> {
    return this._json(path('runs', id));
  }

  cancel(id: number): Promise<void> {
    return this._nothing(path('runs', id, 'cancel'), 'POST');
  }

  retry(id: number, fromFailedCell = false): Promise<IRetriedRun> {
    return this._json(path('runs', id, 'retry'), {}, 'POST', {
      from_failed_cell: fromFailedCell
    });
  }

  holds(): Promise<IPage<IHold>> {
    return this._json('holds');
  }

  approve(run: number): Promise<void> {
    return this._nothing(path('runs', run, 'approve'), 'POST');
  }

  reject(run: number): Promise<void> {
    return this._nothing(path('runs', run, 'reject'), 'POST');
  }

  /** The executed notebook, as nbformat JSON. */
  runNotebook(id: number): Promise<Json> {
    return this._json(path('runs', id, 'notebook'));
  }

  async runLog(id: number): Promise<string> {
    return (await this._request(path('runs', id, 'log'))).text();
  }

  publications(search: string): Promise<IPage<IPublicationView>> {
    return this._json('publications', { search });
  }

  publication(name: string): Promise<IPublicationDetails> {
    return this._json(path('publications', name));
  }

  previewPublication(
    name: string,
    which: IWhich & { held?: number },
    limit: number
  ): Promise<IPreview> {
    return this._json(path('publications', name, 'preview'), {
      ...which,
      limit
    });
  }

  /** A published report or file, whole. */
  async content(name: string, which: IWhich): Promise<Blob> {
    const response = await this._request(
      path('publications', name, 'content'),
      { ...which }
    );
    return response.blob();
  }

  /** The address of a published report or file; of the newest without a version. */
  contentUrl(name: string, version?: number): string {
    return (
      URLExt.join(
        new URL(this._settings.baseUrl, window.location.href).href,
        'etl/v1',
        path('publications', name, 'content')
      ) + queryString({ version })
    );
  }

  diff(
    name: string,
    between: { before: number; after: number; draft?: boolean }
  ): Promise<IVersionDifference> {
    return this._json(path('publications', name, 'diff'), between);
  }

  promote(name: string, version: number): Promise<void> {
    return this._nothing(path('publications', name, 'promote'), 'POST', {
      version
    });
  }

  rollback(name: string, to: number): Promise<void> {
    return this._nothing(path('publications', name, 'rollback'), 'POST', {
      to
    });
  }

  previewSchedule(
    request: Pick<IDeployRequest, 'when' | 'timezone' | 'after' | 'after_all'>
  ): Promise<ISchedulePreview> {
    return this._json('schedule/preview', {}, 'POST', request);
  }

  /** The lines that deploy the same. */
  scheduleLines(request: IDeployRequest): Promise<ILines> {
    return this._json('schedule/lines', {}, 'POST', request);
  }

  notebook(contentsPath: string): Promise<INotebookInfo> {
    return this._json('notebook', { path: contentsPath });
  }

  /** Start a scheduler on the machine of the server, unless one is alive. */
  startScheduler(): Promise<void> {
    return this._nothing('schedulers', 'POST');
  }

  private async _nothing(
    where: string,
    method: string,
    body?: unknown
  ): Promise<void> {
    await this._request(where, {}, method, body);
  }

  private async _json<T>(
    where: string,
    query: object = {},
    method = 'GET',
    body?: unknown
  ): Promise<T> {
    const response = await this._request(where, query, method, body);
    try {
      return await response.json();
    } catch {
      throw new ApiError({
        message: `The response to ${method} ${where} is not valid JSON.`,
        status: response.status
      });
    }
  }

  private async _request(
    where: string,
    query: object = {},
    method = 'GET',
    body?: unknown
  ): Promise<Response> {
    const url =
      URLExt.join(this._settings.baseUrl, 'etl/v1', where) +
      queryString(query as Query);
    const init: RequestInit = { method };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
      init.headers = { 'Content-Type': 'application/json' };
    }
    const response = await ServerConnection.makeRequest(
      url,
      init,
      this._settings
    ).catch(reason => {
      throw reason instanceof ServerConnection.NetworkError
        ? unreachable()
        : reason;
    });
    if (!response.ok) {
      throw await errorOf(response);
    }
    return response;
  }

  private _settings: ServerConnection.ISettings;
}

function unreachable(): ApiError {
  return new ApiError({
    message: 'The Jupyter server cannot be reached.',
    hint: 'Check that it is running. The panel retries automatically.',
    type: 'Unreachable'
  });
}

function path(...parts: (string | number)[]): string {
  return parts.map(part => encodeURIComponent(part)).join('/');
}

function queryString(query: Query): string {
  const pairs = Object.entries(query).filter(
    ([, value]) => value !== undefined && value !== null && value !== ''
  );
  return pairs.length
    ? '?' +
        pairs
          .map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`)
          .join('&')
    : '';
}
