/* Starts GraphiQL on this server.  A token in the fragment (/graphql#token=…) is put into the
   headers; a fragment never leaves the browser. */
"use strict";

const EXAMPLE = `# Wattledger. Whoever is signed in to the console is
# signed in here. Else a token goes below, under Headers:
# {"Authorization": "Bearer …"}, from wattledger token
#
# A query is of now; \`at\` has the same roots asOf a
# business date, and as knownAt a moment: an instant,
# or a position of history.
#
# Ctrl-Space completes, Ctrl-Enter runs; the book at
# the top left explains every type.

query Accounts($first: Int!, $knownAt: Moment) {
  at(knownAt: $knownAt) { accounts(first: $first) {
    nodes {
      number
      customer { name }
      balance { amount currency }
      bills(first: 3, reverse: true) {
        nodes {
          number
          status
          currentTotal { amount }
          outstanding { amount }
          corrections { number total { amount } causes { fact name } }
        }
      }
    }
    pageInfo { hasNextPage endCursor }
  } }
}
`;

const given = new URLSearchParams(window.location.hash.slice(1)).get("token");
if (given) {
  history.replaceState(null, "", window.location.pathname + window.location.search);
}
const headers = given ? JSON.stringify({ Authorization: `Bearer ${given}` }, null, 2) : "";

const options = {
  fetcher: GraphiQL.createFetcher({ url: "/graphql" }),
  defaultQuery: EXAMPLE,
  variables: JSON.stringify({ first: 5, knownAt: null }, null, 2),
  defaultEditorToolsVisibility: "headers",
  defaultHeaders: headers,
  isHeadersEditorEnabled: true,
  shouldPersistHeaders: true,
};
if (given) {
  options.headers = headers;
}
ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, options),
);
