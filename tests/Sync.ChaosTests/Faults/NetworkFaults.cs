using Sync.ChaosTests.Topology;
using Sync.Testing.Faults;

namespace Sync.ChaosTests.Faults;

/// <summary>Faults of connections, done by proxies: no process is hurt.</summary>
internal static class NetworkFaults
{
    private static readonly Link[] Links =
    [
        new("writer-1-postgres", world => world.Links.WriterPostgres[0]),
        new("writer-2-postgres", world => world.Links.WriterPostgres[1]),
        new("writer-1-broker", world => world.Links.WriterNats[0]),
        new("writer-2-broker", world => world.Links.WriterNats[1]),
        new("replica-2-broker", world => world.Links.ReplicaNats),
        new("insight-broker", world => world.Links.InsightNats),
        new("stream", world => world.Links.Stream),
    ];

    public static IEnumerable<Fault> All => Links.SelectMany(Of).Concat(
    [
        Frames("drop-envelopes", "replica-2-broker", frames => frames.Drop = 0.3) with { IsTelling = true },
        Frames("duplicate-envelopes", "replica-2-broker", frames => frames.Duplicate = 0.5),
        Frames("reorder-envelopes", "replica-2-broker", frames => frames.Reorder = 0.5) with { IsTelling = true },
        Frames("corrupt-envelopes", "replica-2-broker", frames => frames.Corrupt = 0.3),
        Frames("drop-beats", "replica-2-broker", frames => (frames.Subject, frames.Drop) = ("sync.beat.", 1)) with
        {
            Hold = TimeSpan.FromSeconds(5),
        },
        Frames("drop-envelopes", "insight-broker", frames => frames.Drop = 0.3) with { IsSingle = false },
        Frames("reorder-envelopes", "insight-broker", frames => frames.Reorder = 0.5) with { IsSingle = false },
    ]);

    // Alone: on one link of each kind, since the two writers are alike. The rest in swarms.
    private static IEnumerable<Fault> Of(Link link)
    {
        var isSingle = !link.Name.StartsWith("writer-2", StringComparison.Ordinal);
        var isReplica = link.Name.StartsWith("replica", StringComparison.Ordinal);
        yield return On(link, "cut-both", proxy => Both(proxy, lane => lane.Stall())) with { IsSingle = isSingle };
        yield return On(link, "cut-to-server", proxy => proxy.ToServer.Stall()) with
        {
            IsSingle = isSingle && link.Name != "stream",
            IsTelling = link.Name == "writer-1-postgres",
        };
        yield return On(link, "cut-to-client", proxy => proxy.ToClient.Stall()) with
        {
            IsSingle = isSingle,
            IsTelling = isReplica || link.Name == "writer-1-postgres",
        };
        yield return On(link, "reset", Reset) with { IsSingle = isSingle, IsTelling = link.Name == "writer-1-broker" };
        yield return On(link, "half-open", proxy => proxy.ForgetServer()) with { IsSingle = isSingle && link.Name != "stream" };
        foreach (var slow in Slow(link)) yield return slow with { IsSingle = false };
    }

    private static IEnumerable<Fault> Slow(Link link)
    {
        yield return On(link, "delay", proxy => Both(proxy, lane =>
            (lane.Delay, lane.DelayJitter) = (TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(20))));
        // A lost segment shows as a delay, many as a dead connection: this is the second.
        yield return On(link, "loss", proxy => Both(proxy, lane => lane.CutChance = 0.05));
        yield return On(link, "rate", proxy => Both(proxy, lane => (lane.BytesPerSecond, lane.SliceBytes) = (32 * 1024, 1024)));
        yield return On(link, "slices", proxy => Both(proxy, lane => lane.SliceBytes = 7));
    }

    private static Fault On(Link link, string kind, Action<FaultProxy> hurt) => new(kind, link.Name)
    {
        Inject = ProcessFaults.Do((world, _) => hurt(link.Proxy(world))),
        Heal = ProcessFaults.Undo(world =>
        {
            var proxy = link.Proxy(world);
            // What a peer that comes back does to connections that it does not know.
            if (kind == "half-open") proxy.Cut();
            proxy.Heal();
        }),
        IsOfNetwork = true,
    };

    private static Fault Frames(string kind, string target, Action<NatsFrameFaults> hurt)
    {
        NatsFrameFaults Of(World world) => target == "insight-broker" ? world.Links.InsightFrames : world.Links.ReplicaFrames;
        return new Fault(kind, target)
        {
            Inject = ProcessFaults.Do((world, harm) =>
            {
                Of(world).Reseed(harm.Chance.Next());
                hurt(Of(world));
            }),
            Heal = ProcessFaults.Undo(world => Of(world).Heal()),
            IsOfNetwork = true,
        };
    }

    private static void Reset(FaultProxy proxy)
    {
        proxy.Refuse();
        proxy.Cut();
    }

    private static void Both(FaultProxy proxy, Action<FaultLane> change)
    {
        change(proxy.ToServer);
        change(proxy.ToClient);
    }

    private sealed record Link(string Name, Func<World, FaultProxy> Proxy);
}
