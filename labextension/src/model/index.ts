export * from './etlModel';
export * from './events';
export * from './format';
export * from './pagedList';
export * from './presets';
export * from './scheduleForm';
export * from './paths';
