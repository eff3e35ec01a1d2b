import type { DocumentRegistry } from '@jupyterlab/docregistry';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import * as React from 'react';

import type { INotebookInfo, IRunEvent } from '../api';
import { etlIcon, healthLabel, type IEtlContext } from '../components';
import { runOfPath } from '../drive/runDrive';
import { formatClock, formatInstant } from '../model';
import type { IEtlModel } from '../tokens';

/** In a notebook's toolbar: its version and next run; opens the schedule dialog. */
export class NotebookChip extends ReactWidget {
  /**
   * @param options.context - The model and what surrounds it.
   * @param options.document - The notebook's context.
   */
  constructor(options: {
    context: IEtlContext;
    document: DocumentRegistry.Context;
  }) {
    super();
    this._context = options.context;
    this._document = options.document;
    this.addClass('jp-EtlNotebookChip');
    this._document.saveState.connect(this._onSave, this);
    this._context.model.runChanged.connect(this._onRun, this);
    this._context.model.deployed.connect(this._onDeployed, this);
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this._document.saveState.disconnect(this._onSave, this);
      this._context.model.runChanged.disconnect(this._onRun, this);
      this._context.model.deployed.disconnect(this._onDeployed, this);
      super.dispose();
    }
  }

  /** Fetch the state of this notebook again. */
  async refresh(): Promise<void> {
    if (this._run === null) {
      try {
        this._info = await this._context.model.client.notebook(
          this._document.localPath
        );
      } catch {
        // The button works without it; the dialog shows the error.
        this._info = null;
      }
      if (!this.isDisposed) {
        this.update();
      }
    }
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    void this._document.ready.then(() => this.refresh());
  }

  protected override render(): JSX.Element {
    const { opener, trans } = this._context;
    if (this._run !== null) {
      return (
        <span className="jp-EtlNotebookChip-label">
          {trans.__('Executed by run %1 · read only', this._run)}
        </span>
      );
    }
    const pipeline = this._info?.pipeline ?? null;
    const next = pipeline?.paused ? null : (pipeline?.next_due ?? null);
    const text = pipeline
      ? [
          `v${pipeline.version}`,
          this._info?.changed ? trans.__('changed') : '',
          pipeline.severity ? healthLabel(pipeline.health, trans) : '',
          pipeline.paused_by === 'person'
            ? trans.__('paused')
            : next
              ? trans.__('next %1', formatClock(next, Date.now()))
              : ''
        ]
          .filter(Boolean)
          .join(' · ')
      : trans.__('Schedule');
    const title = pipeline
      ? `${pipeline.name}: ${pipeline.words}${pipeline.health_note ? `\n${pipeline.health_note}` : ''}${next ? `\n${formatInstant(next)}` : ''}`
      : trans.__('Schedule this notebook…');
    return (
      <button
        type="button"
        className="jp-EtlNotebookChip-button"
        title={`${title}\n%etl schedule`}
        onClick={() => opener.schedule(this._document.localPath)}
      >
        <etlIcon.react tag="span" className="jp-EtlAction-icon" />
        <span>{text}</span>
      </button>
    );
  }

  private get _run(): number | null {
    return this._document.path.startsWith('etl-run:')
      ? runOfPath(this._document.path)
      : null;
  }

  private _onSave(
    _sender: DocumentRegistry.Context,
    state: DocumentRegistry.SaveState
  ): void {
    if (state === 'completed') {
      void this.refresh();
    }
  }

  private _onRun(_sender: IEtlModel, event: IRunEvent): void {
    if (event.pipeline === this._info?.pipeline?.name) {
      void this.refresh();
    }
  }

  private _onDeployed(_sender: IEtlModel, path: string): void {
    if (!path || path === this._document.localPath) {
      void this.refresh();
    }
  }

  private _context: IEtlContext;
  private _document: DocumentRegistry.Context;
  private _info: INotebookInfo | null = null;
}
