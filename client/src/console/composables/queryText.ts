import type { Query } from '../api/v1'

/** What is wrong with a query line, and where: the index of the character. */
export class QueryTextError extends Error {
  readonly at: number

  constructor(at: number) {
    super('query')
    this.at = at
  }
}

/** Those that have no attribute of their own: their values come first. */
const BARE = new Set(['limit', 'offset', 'cursorAfter', 'cursorBefore', 'select', 'and', 'or'])
/** Those whose values are one list in the client libraries' form. */
const LISTED = new Set(['select', 'and', 'or'])

/** Pages and sorts are the list's own business. */
const NOT_FILTERS = new Set(['limit', 'offset', 'cursorAfter', 'cursorBefore', 'orderAsc', 'orderDesc', 'orderRandom', 'select'])

/**
 * Reads filters as the client libraries write them, `equal("name", "Ann"), greaterThan("age", 20)`,
 * or as they send them: JSON, one object or a list.
 */
export function parseQueryText(text: string): Query[] {
  const reader = new Reader(text)
  const found = reader.readAll()
  if (found.some((query) => NOT_FILTERS.has(query.method))) throw new QueryTextError(0)
  return found
}

class Reader {
  private readonly text: string
  private at = 0

  constructor(text: string) {
    this.text = text
  }

  readAll(): Query[] {
    const found: Query[] = []
    this.skip()
    while (this.at < this.text.length) {
      const value = this.value()
      for (const each of Array.isArray(value) ? value : [value]) found.push(this.query(each))
      this.skip()
      if (this.at < this.text.length) this.take(',')
      this.skip()
    }
    return found
  }

  private query(value: unknown): Query {
    const given = typeof value === 'string' ? this.json(value) : value
    if (typeof given === 'object' && given !== null && 'method' in given) return given as Query
    throw new QueryTextError(this.at)
  }

  private json(text: string): unknown {
    try {
      return JSON.parse(text)
    } catch {
      throw new QueryTextError(this.at)
    }
  }

  private value(): unknown {
    this.skip()
    const next = this.text[this.at] ?? ''
    if (next === '"' || next === '\'') return this.quoted(next)
    if (next === '[') return this.list('[', ']')
    if (next === '{') return this.object()
    const word = /^[A-Za-z_][\w.]*/.exec(this.text.slice(this.at))?.[0]
    if (word !== undefined) return this.word(word)
    const number = /^-?\d+(\.\d+)?([eE][+-]?\d+)?/.exec(this.text.slice(this.at))?.[0]
    if (number === undefined) throw new QueryTextError(this.at)
    this.at += number.length
    return Number(number)
  }

  private word(word: string): unknown {
    this.at += word.length
    if (word === 'true' || word === 'True') return true
    if (word === 'false' || word === 'False') return false
    if (word === 'null' || word === 'None') return null
    this.skip()
    // Python's library writes `greater_than`.
    return this.call(word.replace(/^Query\./, '').replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()))
  }

  private call(method: string): Query {
    const given = this.list('(', ')')
    if (BARE.has(method)) {
      return { method, values: LISTED.has(method) && Array.isArray(given[0]) ? given[0] : given }
    }
    const [attribute, ...rest] = given
    if (typeof attribute !== 'string') throw new QueryTextError(this.at)
    const values = rest.length === 1 && Array.isArray(rest[0]) ? rest[0] as unknown[] : rest
    return { method, attribute, values }
  }

  private list(first: string, last: string): unknown[] {
    this.take(first)
    const found: unknown[] = []
    this.skip()
    while (this.text[this.at] !== last) {
      found.push(this.value())
      this.skip()
      if (this.text[this.at] !== last) this.take(',')
      this.skip()
    }
    this.take(last)
    return found
  }

  private object(): unknown {
    this.take('{')
    const found: Record<string, unknown> = {}
    this.skip()
    while (this.text[this.at] !== '}') {
      const name = this.value()
      if (typeof name !== 'string') throw new QueryTextError(this.at)
      this.skip()
      this.take(':')
      found[name] = this.value()
      this.skip()
      if (this.text[this.at] !== '}') this.take(',')
      this.skip()
    }
    this.take('}')
    return found
  }

  private quoted(quote: string): string {
    const start = this.at
    let end = start + 1
    while (end < this.text.length && this.text[end] !== quote) end += this.text[end] === '\\' ? 2 : 1
    if (end >= this.text.length) throw new QueryTextError(start)
    this.at = end + 1
    const inside = this.text.slice(start + 1, end)
    if (quote === '"') return String(this.json(`"${inside}"`))
    return String(this.json(`"${inside.replaceAll('\\\'', '\'').replaceAll('"', '\\"')}"`))
  }

  private take(wanted: string): void {
    if (this.text[this.at] !== wanted) throw new QueryTextError(this.at)
    this.at += 1
  }

  private skip(): void {
    while (/\s/.test(this.text[this.at] ?? '')) this.at += 1
  }
}

/** A query in the form that `parseQueryText` reads. */
export function showQuery({ method, attribute, values = [] }: Query): string {
  if (method === 'and' || method === 'or') return `${method}([${(values as Query[]).map(showQuery).join(', ')}])`
  const own = attribute === undefined ? [] : [JSON.stringify(attribute)]
  const many = values.length > 1 && !SPREAD.has(method)
  const rest = many ? [showValue(values)] : values.map(showValue)
  return `${method}(${[...own, ...rest].join(', ')})`
}

/** Those whose values are arguments, not a list. */
const SPREAD = new Set(['between', 'notBetween'])

function showValue(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(showValue).join(', ')}]` : JSON.stringify(value)
}

export const showQueries = (queries: readonly Query[]): string => queries.map(showQuery).join(', ')
