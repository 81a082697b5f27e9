/**
 * Plans of training runs on many devices: layouts, memory, time, cost, and a simulation of a step.
 *
 * @module @tunan/training/planner
 */
export { DEVICES, type Device } from './devices.ts';
export { EFFICIENCY, type Efficiency, RUNTIMES, type Runtime } from './efficiency.ts';
export { devicesOf, type Layout, microBatches, misfits, type Recomputation } from './layout.ts';
export { type DeviceMemory, deviceMemory } from './memory.ts';
export { type PlanFromOptions, planFrom, type TrainingPlan } from './plan-from.ts';
export {
  type Journey,
  journey,
  judgeLayout,
  type PlannedLayout,
  type PlanRequest,
  planTraining,
  suggestShapes,
} from './plan-training.ts';
export {
  BLOOM_SWEEP,
  HELD_OUT,
  MEGATRON_2021,
  type PublishedRun,
  type PublishedTable,
  predictRun,
} from './published-runs.ts';
export { gptShape, type ModelShape, parametersOf, shapeOf, stepFlops } from './shape.ts';
export type { SimulatedTask, Simulation } from './step-simulation.ts';
export type { StepTime } from './step-time.ts';
