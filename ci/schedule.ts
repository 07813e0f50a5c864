// What is built before tests, and the tests, in lanes beside each other: builds first, in their order; then, whatever test has all
// that it needs. So no lane waits while there is something that it could do.

export interface Build {
  readonly name: string
  /** Build it in this lane; lanes count from 0. */
  run(lane: number): Promise<void>
}

export interface Task {
  /** Names of builds; a name that nobody builds is not waited for. */
  readonly needs: readonly string[]
  run(): Promise<void>
}

/** Run all of them in `width` lanes. Rejects with the first that rejects. */
export async function schedule(builds: readonly Build[], tasks: readonly Task[], width: number): Promise<void> {
  const ahead = [...builds]
  const left = [...tasks]
  const unbuilt = new Set(builds.map(build => build.name))
  const underWay = new Set<Promise<void>>()
  const isReady = (task: Task) => !task.needs.some(name => unbuilt.has(name))

  const runBuild = async (build: Build, lane: number) => {
    const building = build.run(lane)
    underWay.add(building)
    await building
    underWay.delete(building)
    unbuilt.delete(build.name)
  }
  const work = async (lane: number) => {
    for (let build = ahead.shift(); build; build = ahead.shift()) await runBuild(build, lane)
    while (left.length > 0) {
      const at = left.findIndex(isReady)
      if (at < 0) await Promise.race(underWay)
      else await left.splice(at, 1)[0]!.run()
    }
  }
  await Promise.all(Array.from({ length: width }, (_, lane) => work(lane)))
}
