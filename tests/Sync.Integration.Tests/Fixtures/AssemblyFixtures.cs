using Sync.Testing.Postgres;
using Xunit;

// Servers that all tests of this assembly share; each starts when the first test asks for it.
[assembly: AssemblyFixture(typeof(PostgresFixture))]
