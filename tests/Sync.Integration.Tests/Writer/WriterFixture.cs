using Sync.Testing.Nats;
using Sync.Testing.Postgres;
using Sync.Transport;
using Xunit;

namespace Sync.Integration.Tests.Writer;

/// <summary>One writer on a real database and a real broker for all tests that only talk to it.</summary>
public sealed class WriterFixture(PostgresFixture postgres) : IAsyncLifetime
{
    private NatsServer? _broker;

    internal WriterUnderTest Writer { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        var database =
            await (await postgres.ServerAsync()).CreateDatabaseAsync("writer_" + Guid.NewGuid().ToString("N")[..8]);
        _broker = await NatsServer.StartAsync();
        Writer = await WriterUnderTest.StartAsync(
            null, $"Postgres:ConnectionString={database}", $"Postgres:MigratorConnectionString={database}",
                $"Nats:Url={_broker.Url}");
    }

    /// <summary>Where the broker is.</summary>
    internal string BrokerUrl => _broker!.Url;

    /// <summary>One more connection to the broker.</summary>
    internal ValueTask<IBus> ConnectAsync() => SyncBus.ConnectAsync(new BusOptions { Url = _broker!.Url });

    public async ValueTask DisposeAsync()
    {
        if (Writer is not null) await Writer.DisposeAsync();
        if (_broker is not null) await _broker.DisposeAsync();
    }
}

/// <summary>Tests that share the writer; each uses keys of its own.</summary>
[CollectionDefinition(Name)]
public sealed class WriterTests : ICollectionFixture<WriterFixture>
{
    public const string Name = "writer";
}
