"""The GraphQL door: what people look at, at any moment of history, in one query."""
