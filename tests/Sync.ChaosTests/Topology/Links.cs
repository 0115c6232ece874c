using Sync.Testing.Faults;

namespace Sync.ChaosTests.Topology;

/// <summary>The connections that faults can be done to; each is a proxy of its own.</summary>
internal sealed class Links : IAsyncDisposable
{
    private Links(int postgres, int nats, int streams, int seed)
    {
        WriterPostgres = [FaultProxy.Start(postgres), FaultProxy.Start(postgres)];
        WriterNats = [FaultProxy.Start(nats), FaultProxy.Start(nats)];
        ReplicaNats = FaultProxy.Start(nats);
        InsightNats = FaultProxy.Start(nats);
        Stream = FaultProxy.Start(streams);
        (ReplicaFrames, InsightFrames) = (new NatsFrameFaults(seed), new NatsFrameFaults(seed + 1));
        ReplicaNats.ToClient.Filter = ReplicaFrames.NewFilter;
        InsightNats.ToClient.Filter = InsightFrames.NewFilter;
    }

    /// <summary>Writer n to Postgres.</summary>
    public IReadOnlyList<FaultProxy> WriterPostgres { get; }

    /// <summary>Writer n to the broker.</summary>
    public IReadOnlyList<FaultProxy> WriterNats { get; }

    /// <summary>The second replica host to the broker.</summary>
    public FaultProxy ReplicaNats { get; }

    public FaultProxy InsightNats { get; }

    /// <summary>The slow reader of an event stream to the second replica host.</summary>
    public FaultProxy Stream { get; }

    public NatsFrameFaults ReplicaFrames { get; }

    public NatsFrameFaults InsightFrames { get; }

    private IEnumerable<FaultProxy> All => [.. WriterPostgres, .. WriterNats, ReplicaNats, InsightNats, Stream];

    public static Links Start(int postgres, int nats, int streams, int seed)
    {
        var links = new Links(postgres, nats, streams, seed);
        var n = 0;
        foreach (var proxy in links.All) (proxy.ToServer.Chance, proxy.ToClient.Chance) = (new Random(seed + n++), new Random(seed + n++));
        return links;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var proxy in All) await proxy.DisposeAsync();
    }
}
