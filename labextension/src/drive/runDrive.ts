import type { Contents, ServerConnection } from '@jupyterlab/services';
import { Signal, type ISignal } from '@lumino/signaling';

import { ApiError, type EtlClient } from '../api';
import { joinLines } from './joined';

/** Name of the drive: `etl-run:42.ipynb` is the executed notebook of run 42. */
export const DRIVE = 'etl-run';

/** The path under which a run's executed notebook opens. */
export function runPath(id: number): string {
  return `${DRIVE}:${id}.ipynb`;
}

/** The run whose executed notebook is at this path; null if it is none. */
export function runOfPath(path: string): number | null {
  const found = new RegExp(`^(?:${DRIVE}:)?/?(\\d+)\\.ipynb$`).exec(path);
  return found ? Number(found[1]) : null;
}

/** Executed notebooks as read-only documents. */
export class RunDrive implements Contents.IDrive {
  /**
   * @param options.client - Fetches the notebooks.
   * @param options.serverSettings - Of the application.
   * @param options.refuse - The sentence that refuses a change.
   */
  constructor(options: {
    client: EtlClient;
    serverSettings: ServerConnection.ISettings;
    refuse: string;
  }) {
    this._client = options.client;
    this._refuse = options.refuse;
    this.serverSettings = options.serverSettings;
  }

  readonly name = DRIVE;

  readonly serverSettings: ServerConnection.ISettings;

  get fileChanged(): ISignal<this, Contents.IChangedArgs> {
    return this._fileChanged;
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  dispose(): void {
    if (!this._disposed) {
      this._disposed = true;
      Signal.clearData(this);
    }
  }

  async get(
    localPath: string,
    options?: Contents.IFetchOptions
  ): Promise<Contents.IModel> {
    const id = runOfPath(localPath);
    if (id === null) {
      return folder(localPath);
    }
    const run = await this._client.run(id);
    const when = run.finished_at ?? run.started_at ?? run.due_at;
    return {
      name: `${id}.ipynb`,
      path: `${id}.ipynb`,
      type: 'notebook',
      writable: false,
      created: run.started_at ?? run.due_at,
      last_modified: when,
      mimetype: '',
      format: 'json',
      content:
        options?.content === false
          ? null
          : joinLines(await this._client.runNotebook(id))
    };
  }

  async getDownloadUrl(localPath: string): Promise<string> {
    return `${this.serverSettings.baseUrl}etl/v1/runs/${runOfPath(localPath)}/notebook`;
  }

  async listCheckpoints(): Promise<Contents.ICheckpointModel[]> {
    return [];
  }

  newUntitled(): Promise<Contents.IModel> {
    return this._no();
  }

  delete(): Promise<void> {
    return this._no();
  }

  rename(): Promise<Contents.IModel> {
    return this._no();
  }

  save(): Promise<Contents.IModel> {
    return this._no();
  }

  copy(): Promise<Contents.IModel> {
    return this._no();
  }

  createCheckpoint(): Promise<Contents.ICheckpointModel> {
    return this._no();
  }

  restoreCheckpoint(): Promise<void> {
    return this._no();
  }

  deleteCheckpoint(): Promise<void> {
    return this._no();
  }

  private _no(): Promise<never> {
    return Promise.reject(
      new ApiError({ message: this._refuse, type: 'PermissionDenied' })
    );
  }

  private _client: EtlClient;
  private _refuse: string;
  private _disposed = false;
  private _fileChanged = new Signal<this, Contents.IChangedArgs>(this);
}

function folder(path: string): Contents.IModel {
  return {
    name: path,
    path,
    type: 'directory',
    writable: false,
    created: '',
    last_modified: '',
    mimetype: '',
    format: 'json',
    content: []
  };
}
