import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IWhich } from '../../api';
import type { IEtlModel } from '../../tokens';

/** What a preview shows. */
export interface IPreviewTarget {
  kind: 'source' | 'publication';
  name: string;
  /** Table of a source; "" for a source that is one table. */
  table?: string;
  version?: number | null;
  draft?: boolean;
  /** Number of a held run, whose staged rows are shown instead of a version. */
  held?: number;
}

/** A confirmation. */
export interface IQuestion {
  title: string;
  body: string;
  /** Label of the button that confirms. */
  accept: string;
  /** Whether the action discards something. */
  warn?: boolean;
}

/** What the application around the panel does for it. */
export interface IOpener {
  /** Open the notebook of a pipeline; a missing one is reported, with a way to relink it. */
  openNotebook(path: string, pipeline: string): void;
  /** Set the notebook of a pipeline. */
  relink(pipeline: string): void;
  /** Open the run dialog of a pipeline. */
  runNow(pipeline: string): void;
  /** Open the schedule dialog; without a path for the notebook in front. */
  schedule(path?: string): void;
  /** Open the executed notebook of a run, at the failed cell if asked to. */
  openRun(id: number, options?: { cell: number | null }): void;
  openLog(id: number): void;
  preview(target: IPreviewTarget): void;
  openReport(name: string, which: IWhich): void;
  download(name: string, which: IWhich): void;
  /** Open the page of a publication: versions, differences, how to read it. */
  openPublication(name: string): void;
  /** Ask for confirmation. */
  confirm(question: IQuestion): Promise<boolean>;
  /** Insert a cell below the active one, without running it. */
  insertCell(source: string): void;
  copy(text: string): void;
  /** Open a terminal; null where the application has none. */
  openTerminal: (() => void) | null;
}

/** What every component can use. */
export interface IEtlContext {
  model: IEtlModel;
  opener: IOpener;
  trans: TranslationBundle;
}

const EtlContext = React.createContext<IEtlContext | null>(null);

export const EtlProvider = EtlContext.Provider;

/** The model, the opener and the translation. */
export function useEtl(): IEtlContext {
  const context = React.useContext(EtlContext);
  if (context === null) {
    throw new Error('EtlProvider is missing.');
  }
  return context;
}

/** Render again whenever the model has changed. */
export function useModel(): IEtlModel {
  const { model } = useEtl();
  const [, render] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    model.changed.connect(render);
    return () => {
      model.changed.disconnect(render);
    };
  }, [model]);
  return model;
}
