/** What a run leaves in a mesh that it shares with others; deletes tolerate that nothing is there. */
export interface RunObjects {
  deleteNodes(labelSelector: string): Promise<unknown>
  /** In the namespace of services. */
  deleteServices(labelSelector: string): Promise<unknown>
}

/**
 * Deletes what a run left: its Nodes, with which their slices and beats go, and its Services, which main would keep
 * for a VM to come until the run's expiry.
 * @param labelSelector what is its own, and of whatever of it is gone
 */
export async function cleanRun(objects: RunObjects, labelSelector: string): Promise<void> {
  // One after the other: main makes a Service again as long as somebody publishes it.
  await objects.deleteNodes(labelSelector)
  await objects.deleteServices(labelSelector)
}
