/**
 * Plans of training runs on many devices: layouts, memory, time, cost, and a simulation of a step.
 *
 * @module @tunan/training/planner
 */
export { duration } from '../../run/progress.ts';
export type { CpuFigures } from './cpu-figures.ts';
export { cpuProcessMemory } from './cpu-memory.ts';
export { CPU_EFFICIENCY, type CpuEfficiency, cpuStepTime } from './cpu-step-time.ts';
export type { Device } from './devices.ts';
export { EFFICIENCY, type Efficiency, type Runtime } from './efficiency.ts';
export type { Layout, Recomputation } from './layout.ts';
export { measureCpu } from './measure-cpu.ts';
export type { DeviceMemory } from './memory.ts';
export { type PlanFromOptions, planFrom, type TrainingPlan } from './plan-from.ts';
export type { Journey, PlannedLayout } from './plan-training.ts';
export {
  BLOOM_SWEEP,
  HELD_OUT,
  MEGATRON_2021,
  type PublishedRun,
  type PublishedTable,
  predictRun,
} from './published-runs.ts';
export { type ModelShape, shapeOf } from './shape.ts';
export type { SimulatedTask, Simulation } from './step-simulation.ts';
export type { StepTime } from './step-time.ts';
