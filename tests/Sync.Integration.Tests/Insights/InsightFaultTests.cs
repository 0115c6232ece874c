using Shouldly;
using Sync.Testing.Data;
using Xunit;

namespace Sync.Integration.Tests.Insights;

/// <summary>R7 on real servers and processes: whatever is killed in the middle of a load, every summary is what the input says.</summary>
public sealed class InsightFaultTests
{
    private static readonly IReadOnlyList<AdvisoryChange> Changes = AdvisoryGenerator.Make(seed: 3, count: 1200);

    [Xunit.Fact]
    public Task Summaries_follow_a_load() => RunAsync(_ => Task.CompletedTask);

    [Xunit.Fact]
    public Task A_killed_Insight_host_leaves_nothing_wrong_that_its_next_start_does_not_put_right() => RunAsync(async rig =>
    {
        await rig.Host.KillAsync();
        rig.Host = await rig.Rig.StartHostAsync();
    });

    [Xunit.Fact]
    public Task A_killed_writer_only_delays_summaries() => RunAsync(async rig =>
    {
        await rig.Rig.Writer.Process.KillAsync();
        rig.Rig.Writer = await rig.Rig.Way.StartWriterAsync(rig.Rig.Writer.Url.Port);
    });

    private static async Task RunAsync(Func<Running, Task> fault)
    {
        await using var rig = await InsightRig.StartAsync();
        var running = new Running { Rig = rig, Host = await rig.StartHostAsync() };
        await using var client = rig.Client();
        await InsightRig.WriteAsync(client, Changes.Take(400));
        var load = Task.Run(async () =>
        {
            foreach (var part in Changes.Skip(400).Chunk(100)) await InsightRig.WriteAsync(client, part);
        });
        await fault(running);
        await load;

        (await rig.SettleAsync()).GetProperty("dead_letters").GetInt32().ShouldBe(0);

        await rig.SummariesShouldBeOfAsync(Changes);
        await rig.SummariesShouldBeFoldsAsync(client);
    }

    private sealed class Running
    {
        public required InsightRig Rig { get; init; }

        public required Testing.Processes.ServiceProcess Host { get; set; }
    }
}
