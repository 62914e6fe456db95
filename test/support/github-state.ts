/** What the GitHub stand-in remembers, and what each request does to it. Knows nothing of HTTP. */

export interface Account {
  readonly login: string
  readonly type: 'Bot' | 'User'
  /** `read` is what a pull request from a fork gets. */
  readonly access: 'write' | 'read' | 'none'
}

export interface Comment {
  readonly id: number
  readonly issue: number
  body: string
  readonly user: { readonly login: string; readonly type: string }
}

export interface Pull {
  readonly number: number
  readonly state: 'open' | 'closed'
  readonly headSha: string
  locked: boolean
}

export interface Reply {
  readonly status: number
  readonly body?: unknown
  /** Rows of a list, to be cut into pages. */
  readonly rows?: readonly unknown[]
}

export const BODY_LIMIT = 65_536

export class GitHubState {
  readonly tokens = new Map<string, Account>()
  readonly #repositories = new Map<string, { pulls: Pull[]; comments: Comment[] }>()
  #lastId = 1000

  repository(name: string): { pulls: Pull[]; comments: Comment[] } {
    const known = this.#repositories.get(name) ?? { pulls: [], comments: [] }
    this.#repositories.set(name, known)
    return known
  }

  addPull(name: string, pull: Partial<Pull> & { readonly number: number }): void {
    this.repository(name).pulls.push({ state: 'open', headSha: '', locked: false, ...pull })
  }

  addComment(name: string, issue: number, body: string, user: Comment['user']): Comment {
    this.#lastId += 1
    const comment = { id: this.#lastId, issue, body, user: { login: user.login, type: user.type } }
    this.repository(name).comments.push(comment)
    return comment
  }

  comments(name: string, issue: number): readonly Comment[] {
    return this.repository(name).comments.filter(comment => comment.issue === issue)
  }

  /** A rival's hand, for faults. */
  deleteNewestComment(): void {
    for (const { comments } of this.#repositories.values()) comments.pop()
  }

  /** Answers one REST request as api.github.com does, errors included. */
  handle(method: string, path: string, token: string, body: unknown): Reply {
    const account = this.tokens.get(token)
    if (account === undefined) return { status: 401, body: { message: 'Bad credentials' } }
    if (path === '/user') return userReply(account)
    const [, name, rest] = /^\/repos\/([^/]+\/[^/]+)(\/.*)$/.exec(path) ?? []
    if (
      name === undefined ||
      rest === undefined ||
      !this.#repositories.has(name) ||
      account.access === 'none'
    ) {
      return NOT_FOUND
    }
    if (method !== 'GET' && account.access === 'read') return FORBIDDEN
    return this.#inRepository(name, `${method} ${rest}`, account, body)
  }

  #inRepository(name: string, route: string, account: Account, body: unknown): Reply {
    const { pulls } = this.repository(name)
    const [, sha] = /^GET \/commits\/([^/]+)\/pulls$/.exec(route) ?? []
    if (sha !== undefined)
      return { status: 200, rows: pulls.filter(pull => pull.headSha === sha).map(pullJson) }
    const [, verb, issue] = /^(GET|POST) \/issues\/(\d+)\/comments$/.exec(route) ?? []
    if (issue !== undefined) {
      const pull = pulls.find(({ number }) => number === Number(issue))
      if (pull === undefined) return NOT_FOUND
      if (verb === 'POST') return this.#create(name, pull, account, body)
      return {
        status: 200,
        rows: this.comments(name, pull.number).map(comment => commentJson(name, comment)),
      }
    }
    const [, action, id] = /^(GET|PATCH|DELETE) \/issues\/comments\/(\d+)$/.exec(route) ?? []
    return id === undefined ? NOT_FOUND : this.#onComment(name, action ?? '', Number(id), body)
  }

  #create(name: string, pull: Pull, account: Account, body: unknown): Reply {
    if (pull.locked)
      return { status: 403, body: { message: 'Unable to create comment because issue is locked.' } }
    const refused = checkBody(body)
    if (refused) return refused
    return { status: 201, body: commentJson(name, this.addComment(name, pull.number, textOf(body), account)) }
  }

  #onComment(name: string, action: string, id: number, body: unknown): Reply {
    const { comments } = this.repository(name)
    const index = comments.findIndex(comment => comment.id === id)
    const comment = comments[index]
    if (comment === undefined) return NOT_FOUND
    if (action === 'DELETE') {
      comments.splice(index, 1)
      return { status: 204 }
    }
    if (action === 'PATCH') {
      const refused = checkBody(body)
      if (refused) return refused
      comment.body = textOf(body)
    }
    return { status: 200, body: commentJson(name, comment) }
  }
}

const NOT_FOUND: Reply = { status: 404, body: { message: 'Not Found' } }
const FORBIDDEN: Reply = { status: 403, body: { message: 'Resource not accessible by integration' } }

function userReply(account: Account): Reply {
  return account.type === 'Bot'
    ? FORBIDDEN
    : { status: 200, body: { login: account.login, type: account.type } }
}

function textOf(body: unknown): string {
  return typeof body === 'object' && body !== null && 'body' in body ? String(body.body) : ''
}

function checkBody(body: unknown): Reply | null {
  const text = textOf(body)
  if (text !== '' && text.length <= BODY_LIMIT) return null
  const message =
    text === '' ? "Body can't be blank" : `Body is too long (maximum is ${BODY_LIMIT} characters)`
  return {
    status: 422,
    body: { message: 'Validation Failed', errors: [{ resource: 'IssueComment', message }] },
  }
}

function commentJson(name: string, { id, issue, body, user }: Comment) {
  return { id, body, user, html_url: `https://github.com/${name}/pull/${issue}#issuecomment-${id}` }
}

function pullJson({ number, state, headSha, locked }: Pull) {
  return { number, state, locked, head: { sha: headSha } }
}
