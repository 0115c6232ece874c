using System.Globalization;
using Npgsql;
using Sync.ChaosTests.Clients;
using Sync.ChaosTests.Topology;

namespace Sync.ChaosTests.Faults;

/// <summary>
/// A deploy of a new schema major: half of the load writes it while the other half still writes the old one, a writer,
/// a replica host and the Insight host are stopped in order and started again, and of two readers that know the old
/// major only, one is replaced by one that knows both.
/// </summary>
internal static class Deploys
{
    /// <summary>The reader that is replaced; the other one stays old.</summary>
    private const int RolledReader = 0;

    /// <summary>Values of each major that must have been written side by side.</summary>
    private const int EachMin = 50;

    private static readonly TimeSpan StartMax = TimeSpan.FromSeconds(20);

    public static IEnumerable<Fault> All =>
    [
        new Fault("deploy", "services")
        {
            Inject = InjectAsync,
            Heal = ProcessFaults.Undo(world =>
            {
                File.Delete(world.Run.NewMajor);
                foreach (var node in Nodes(world)) node.Start();
            }),
            Claims = ["writer-1", "writer-2", "replica-1", "replica-2", "insight", "writer", "postgres"],
            Hold = TimeSpan.FromSeconds(3.5),
            IsTelling = true,
        },
    ];

    private static IEnumerable<Node> Nodes(World world) => [.. world.Writers, .. world.Replicas, world.Insight];

    private static async Task InjectAsync(World world, Harm harm)
    {
        // After an earlier deploy: rolled back.
        await world.Crew.RollReaderAsync(world, RolledReader, ChaosValue.OldMajor, harm.Cancellation);
        var before = await WrittenAsync(world, harm.Cancellation);
        await File.WriteAllTextAsync(world.Run.NewMajor, "", harm.Cancellation);
        await RollAsync(world, world.Writers[await world.BusyWriterAsync(harm.Cancellation)], harm);
        await RollAsync(world, world.Replicas[harm.Chance.Next(2)], harm);
        await RollAsync(world, world.Insight, harm);
        var (olds, news) = (0L, 0L);
        var isSideBySide = await Pauses.UntilAsync(async () =>
        {
            var now = await WrittenAsync(world, harm.Cancellation);
            (olds, news) = (now.Olds - before.Olds, now.News - before.News);
            return olds >= EachMin && news >= EachMin;
        }, StartMax * world.Pace.Allowance, harm.Cancellation);
        harm.Note(string.Create(CultureInfo.InvariantCulture, $"{olds} values of the old major, {news} of the new"));
        if (!isSideBySide)
            throw new InvalidOperationException("Both majors were not written side by side, so nothing was tested.");
        await world.Crew.RollReaderAsync(world, RolledReader, ChaosValue.NewMajor, harm.Cancellation);
    }

    // The next is stopped when this one serves again, as operators do; other faults may keep it from that.
    private static async Task RollAsync(World world, Node node, Harm harm)
    {
        await node.StopAsync();
        node.Start();
        if (!await Pauses.UntilAsync(
            () => node.IsReadyAsync(harm.Cancellation), StartMax * world.Pace.Allowance, harm.Cancellation))
            harm.Note($"{node.Name} did not serve again in time");
    }

    private static async Task<(long Olds, long News)> WrittenAsync(World world, CancellationToken cancellation)
    {
        await using var connection = await world.OpenAsync(cancellation);
        await using var command = new NpgsqlCommand("""
            select count(*) filter (where f.schema_version = $1), count(*) filter (where f.schema_version = $2)
            from sync.fact f join sync.collection c on c.id = f.collection where c.name = $3
            """, connection)
        {
            Parameters =
            {
                new() { Value = ChaosValue.Version.Text }, new() { Value = ChaosValue.NextMajor.Text },
                new() { Value = Load.Collection },
            },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        return (reader.GetInt64(0), reader.GetInt64(1));
    }
}
