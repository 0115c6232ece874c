using System.Text;
using Sync.ChaosTests.Topology;
using Sync.Testing.Faults;

namespace Sync.ChaosTests.Faults;

/// <summary>
/// The writer that owns the load's feeds, killed at a named point of its work. The point is seen from outside, by bytes that pass
/// a proxy or by rows of the ledger, so what ships has no hook for it.
/// </summary>
internal static class PointFaults
{
    /// <summary>With 300 writes a second each moment comes at once, unless nothing can be committed.</summary>
    private static readonly TimeSpan MomentMax = TimeSpan.FromSeconds(4);

    /// <summary>Longer than the way of an acknowledgement to its client.</summary>
    private static readonly TimeSpan AckTime = TimeSpan.FromMilliseconds(200);

    /// <summary>What the log of faults says when a point was not reached; the writer is killed all the same.</summary>
    public const string Missed = "the moment did not come";

    public static IEnumerable<Fault> All =>
    [
        // Names of vaults go to Postgres in the middle of a group's one batch: the end of it never arrives.
        AtBytes("before-commit", (links, writer) => (links.WriterPostgres[writer], links.WriterPostgres[writer].ToServer), "chaos--", 0),
        // Postgres sends the answers of a batch when it has committed.
        AtBytes("after-commit", (links, writer) => (links.WriterPostgres[writer], links.WriterPostgres[writer].ToClient), "INSERT 0 ", 0)
            with { IsTelling = true },
        AtBytes("before-publish", (links, writer) => (links.WriterNats[writer], links.WriterNats[writer].ToServer), "PUB synced.", 0)
            with { IsTelling = true },
        AtBytes("mid-publish", (links, writer) => (links.WriterNats[writer], links.WriterNats[writer].ToServer), "PUB synced.", 40),
        AtBytes("before-beat", (links, writer) => (links.WriterNats[writer], links.WriterNats[writer].ToServer), "PUB sync.beat.", 0),
        InTakeOver(),
    ];

    private static Fault AtBytes(string point, Func<Links, int, (FaultProxy Proxy, FaultLane Lane)> where, string marker, int pass)
    {
        var victim = 0;
        return new Fault("kill-" + point, "writer")
        {
            Inject = async (world, harm) =>
            {
                victim = await world.BusyWriterAsync(harm.Cancellation);
                harm.Note(world.Writers[victim].Name);
                var (proxy, lane) = where(world.Links, victim);
                var held = lane.HoldAtAsync(Encoding.ASCII.GetBytes(marker), pass);
                try
                {
                    await held.WaitAsync(MomentMax, harm.Cancellation);
                    await Pauses.ForAsync(AckTime, harm.Cancellation);
                }
                catch (TimeoutException)
                {
                    harm.Note(Missed);
                }
                await world.Writers[victim].KillAsync();
                // What was held never arrives: it was still in the dead process.
                proxy.Cut();
                proxy.Heal();
            },
            Heal = ProcessFaults.Undo(world => world.Writers[victim].Start()),
            Claims = ["writer-1", "writer-2", "writer-1-postgres", "writer-2-postgres", "writer-1-broker", "writer-2-broker"],
        };
    }

    private static Fault InTakeOver() => new("kill-in-take-over", "writer")
    {
        Inject = async (world, harm) =>
        {
            var first = await world.BusyWriterAsync(harm.Cancellation);
            var heir = world.Writers[1 - first];
            var epochs = await world.EpochsAsync(harm.Cancellation);
            await world.Writers[first].KillAsync();
            if (!await Pauses.UntilAsync(
                () => world.HasTakenOverAsync(heir, epochs, harm.Cancellation), TimeSpan.FromSeconds(6), harm.Cancellation))
                harm.Note(Missed);
            await heir.KillAsync();
        },
        Heal = ProcessFaults.Undo(world =>
        {
            foreach (var writer in world.Writers) writer.Start();
        }),
        Claims = ["writer-1", "writer-2", "postgres", "writer-1-postgres", "writer-2-postgres", "writer-1-broker", "writer-2-broker"],
        Hold = TimeSpan.FromSeconds(1),
        IsTelling = true,
    };
}
