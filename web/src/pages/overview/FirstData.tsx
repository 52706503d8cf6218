//! Nothing was ever stored: how to send something, ready to copy.
import { Radio } from 'lucide-react'
import { CopyButton } from '@/components/ui/copy'

/** The ingestion's default port, on the machine that the page came from. */
const INGEST_PORT = 3001

export function snippets(host: string): { what: string; command: string }[] {
  const url = `http://${host}:${INGEST_PORT}/ingest`
  const line = `{"source":"my-app","level":"info","message":"hello from my-app"}`
  return [
    { what: 'One line over HTTP', command: `curl ${url} -H 'Content-Type: application/json' -d '${line}'` },
    { what: 'A file, or the output of a program', command: 'whittle send --source my-app app.log' },
    { what: 'A believable stream to look around with', command: 'whittle demo' },
  ]
}

function Snippet({ what, command }: { what: string; command: string }) {
  return (
    <li className="min-w-0">
      <p className="mb-1 text-xs text-muted">{what}</p>
      <div className="flex min-w-0 items-center gap-2 rounded-lg border border-line bg-bg py-1 pr-1 pl-3">
        <code className="min-w-0 flex-1 py-1 font-mono text-xs wrap-anywhere text-ink">{command}</code>
        <CopyButton text={() => command} />
      </div>
    </li>
  )
}

export function FirstData() {
  return (
    <section aria-labelledby="first-data" className="mx-auto mt-[6vh] flex w-full max-w-2xl min-w-0 flex-col rounded-xl border border-line bg-surface p-6 max-sm:mt-0 max-sm:p-4">
      <Radio aria-hidden className="size-6 text-accent" />
      <h2 id="first-data" className="mt-3 text-lg font-semibold tracking-tight">
        Nothing has arrived yet
      </h2>
      <p className="mt-1 text-muted">Whittle is listening. Send a line in one of these ways; it shows here within a second.</p>
      <ul className="mt-5 flex min-w-0 flex-col gap-4">
        {snippets(location.hostname).map((snippet) => (
          <Snippet key={snippet.what} {...snippet} />
        ))}
      </ul>
    </section>
  )
}
