/**
 * Short names of what the REST API takes and answers.
 *
 * `schema.ts` is generated from the server's openapi.yaml by `jlpm build:api`. Instants are ISO 8601
 * text in UTC; durations are seconds.
 */

import type { components } from './schema';

type Schemas = components['schemas'];

/** Any JSON value. */
export type Json =
  null | boolean | number | string | Json[] | { [key: string]: Json };

export interface IPage<T> {
  items: T[];
  total: number;
}

export type ISummary = Schemas['Summary'];
export type ILines = Schemas['Lines'];

export type ISource = Schemas['SourceView'];
export type ISourceDetails = Schemas['SourceDetail'];
export type ITableInfo = Schemas['TableView'];
export type IColumn = Schemas['PreviewColumn'];
export type IPreview = Schemas['Preview'];

export type IPipelineView = Schemas['PipelineView'];
export type Health = IPipelineView['health'];
export type PipelineFilter = Schemas['PipelineFilter'];
export type ISchedule = Schemas['Schedule'];
export type IPreset = Schemas['Preset'];
export type ISchedulePreview = Schemas['ScheduleView'];
export type Catchup = Schemas['Policy']['catchup'];
export type Overlap = Schemas['Policy']['overlap'];
export type IParameter = Schemas['Parameter'];
export type IPipelineParameters = Schemas['PipelineParameters'];
export type IWatermark = Schemas['WatermarkView'];
export type INotebookInfo = Schemas['NotebookView'];
export type IFinding = Schemas['Finding'];
export type IBundleFile = Schemas['BundleFile'];
export type IDeployRequest = Schemas['ScheduleRequest'];
export type IDeployment = Schemas['Deployment'];
export type ITriggerRequest = Schemas['TriggerRequest'];

export type IRunView = Schemas['RunView'];
export type IRunDetails = Schemas['RunDetail'];
export type IRetriedRun = Schemas['RetriedRun'];
export type ILastRun = Schemas['LastRun'];
export type RunState = Schemas['RunState'];
export type Outcome = Schemas['Outcome'];
export type IVerdict = Schemas['Verdict'];
export type ICheckResult = Schemas['CheckResult'];
export type IHold = Schemas['HoldView'];
export type HeldBy = Schemas['HeldBy'];

export type IPublicationView = Schemas['PublicationView'];
export type IEndpoint = Schemas['EndpointView'];
export type IPublicationDetails = Schemas['PublicationDetail'];
export type IPublicationVersion = Schemas['VersionView'];
export type PublicationKind = Schemas['PublicationKind'];
export type IDifference = Schemas['Difference'];
export type IVersionDifference = Schemas['DiffView'];

/** An event of the schema `jupyter_etl/run/v1`, sent while a run is active. */
export interface IRunEvent {
  run: number;
  pipeline: string;
  state: RunState;
  outcome: Outcome | null;
  cell: number | null;
  cells: number | null;
  at: string;
}
