// Every page by its address, and who opens it. A page that is not listed here is not looked at by the browser tests.
// `link` finds the address of a detail page: the first such link on the page given as `path`.

/** Demo people by what they may do; the names are those of the demo organisation. */
export const people = { owner: 'olivia', ordinary: 'alice' };

export const pages = [
  { path: '/start/sign-in', as: null },
  { path: '/start/forgotten', as: null },
  { path: '/no/such/page', as: null, status: 404 },
  { path: '/start', as: 'ordinary' },
  { path: '/start?q=prod', as: 'ordinary' },
  { path: '/start?q=nothing-is-called-so', as: 'ordinary' },
  { path: '/start/console?account_id=111122223333', as: 'ordinary' },
  { path: '/start/console?account_id=111122223333&role_name=Admin', as: 'ordinary', status: 403 },
  { path: '/start/console?account_id=666677778888', as: 'ordinary', status: 404 },
  { path: '/start/applications', as: 'ordinary' },
  { path: '/me/profile', as: 'ordinary' },
  { path: '/me/security', as: 'ordinary' },
  { path: '/me/factors/app', as: 'ordinary' },
  { path: '/me/factors/passkey', as: 'ordinary' },
  { path: '/admin/users', as: 'ordinary', status: 403 },
  { path: '/admin', as: 'owner' },
  { path: '/admin/users', as: 'owner' },
  { path: '/admin/users?search=nobody-is-called-so', as: 'owner' },
  { path: '/admin/users/new', as: 'owner' },
  { path: '/admin/users', link: /^\/admin\/users\/(?!new)[^/?]+$/, as: 'owner' },
  { path: '/admin/groups', as: 'owner' },
  { path: '/admin/groups/new', as: 'owner' },
  { path: '/admin/groups', link: /^\/admin\/groups\/(?!new)[^/?]+$/, as: 'owner' },
  { path: '/admin/explain', as: 'owner' },
  { path: '/admin/explain?user=marta', as: 'owner' },
  { path: '/admin/explain?user=marta&account=111122223333&set=Admin', as: 'owner' },
  { path: '/admin/explain?user=alice&account=111122223333&set=Developer', as: 'owner' },
  { path: '/admin/accounts', as: 'owner' },
  { path: '/admin/accounts?view=paths', as: 'owner' },
  { path: '/admin/accounts?search=nothing-is-called-so', as: 'owner' },
  { path: '/admin/accounts/new', as: 'owner' },
  { path: '/admin/accounts/import', as: 'owner' },
  { path: '/admin/accounts', link: /^\/admin\/accounts\/\d{12}$/, as: 'owner' },
  { path: '/admin/accounts/111122223333/edit', as: 'owner' },
  { path: '/admin/accounts/111122223333/delete', as: 'owner' },
  { path: '/admin/accounts/111122223333/assignments', as: 'owner' },
  { path: '/admin/accounts/111122223333/people', as: 'owner' },
  { path: '/admin/accounts/111122223333/people?search=nobody-is-called-so', as: 'owner' },
  { path: '/admin/assignments', as: 'owner' },
  { path: '/admin/assignments?whom=alice', as: 'owner' },
  { path: '/admin/assignments?account=nothing-is-called-so', as: 'owner' },
  { path: '/admin/assignments/expiring', as: 'owner' },
  { path: '/admin/assignments/expiring?days=1', as: 'owner' },
  { path: '/admin/assignments/changes', as: 'owner' },
  { path: '/admin/assignments/new', as: 'owner' },
  { path: '/admin/assignments/new?draft=gone', as: 'owner', status: 404 },
  { path: '/admin/assignments?whom=alice', link: /^\/admin\/users\/[^/]+\/access$/, as: 'owner' },
  { path: '/admin/assignments?whom=engineers', link: /^\/admin\/groups\/[^/]+\/access$/, as: 'owner' },
  { path: '/admin/applications', as: 'owner' },
  { path: '/admin/applications/new', as: 'owner' },
  { path: '/admin/administrators', as: 'owner' },
  { path: '/admin/sessions', as: 'owner' },
  { path: '/admin/audit', as: 'owner' },
  { path: '/admin/audit', link: /^\/admin\/audit\/(?!export)[^/?]+$/, as: 'owner' },
  { path: '/admin/settings', as: 'owner' },
  { path: '/admin/settings/streams', as: 'owner' },
  { path: '/admin/settings/streams/new', as: 'owner' },
];

/** What a page is called in the list of tests. */
export function titleOf({ path, link }) {
  return link ? `${path}/…` : path;
}

/** A file name for a page: `/admin/users?search=x` is `admin-users-search-x`. */
export function nameOf({ path, link }) {
  return (link ? `${path}-detail` : path).replace(/[^a-z0-9]+/gi, '-').replace(/^-|-$/g, '') || 'root';
}
