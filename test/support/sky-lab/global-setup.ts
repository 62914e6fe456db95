import type { TestProject } from 'vitest/node'
import { startLab } from './lab.ts'

/** One lab for all files of the project `sky`. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const lab = await startLab()
  project.provide('skyLab', lab.folder)
  return async () => lab[Symbol.asyncDispose]()
}

declare module 'vitest' {
  export interface ProvidedContext {
    /** Folder of the lab. */
    skyLab: string
  }
}
