using Npgsql;
using Shouldly;
using Sync.Testing.Postgres;
using Xunit;

namespace Sync.Integration.Tests.Fixtures;

/// <summary>Each test class has a database of its own on the one server of the assembly.</summary>
public sealed class PostgresDatabaseTests(PostgresDatabase database, PostgresFixture shared)
    : IClassFixture<PostgresDatabase>
{
    [Fact]
    public async Task A_class_finds_an_empty_database_with_its_name_on_the_shared_server()
    {
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync();

        connection.Port.ShouldBe((await shared.ServerAsync()).Port);
        connection.Database.ShouldStartWith("postgresdatabasetests_");
    }

    [Fact]
    public async Task A_test_that_wants_a_further_database_gets_another_one()
    {
        string further = await database.CreateDatabaseAsync();

        string.Equals(further, database.ConnectionString, StringComparison.Ordinal).ShouldBeFalse();
    }
}
