using Sync.Testing.Nats;

namespace Sync.Benchmarks.Nats;

/// <summary>The measured lines: each warms up, then lets the yardstick and ours take turns.</summary>
internal sealed class Rounds(CNats yardstick, NatsServer server, Report report)
{
    public async Task ThroughputAsync(string mode, string name, int count, double limit, int rounds)
    {
        var line = report.Line(name, "k msg/s", limit, atLeast: true);
        await OursAsync(mode, count / 2);
        for (var round = 0; round < rounds; round++)
        {
            var c = await yardstick.RunAsync(mode, server.Url, count);
            var before = CpuTimes.Of(server.Pid);
            var ours = await OursAsync(mode, count);
            report.Fact($"{mode}: CPU us per message, ours", 1e6 * ours.CpuSeconds / count);
            report.Fact($"{mode}: CPU us per message, yardstick", 1e6 * c.CpuSeconds / count);
            report.Fact($"{mode}: CPU us per message, server with ours",
                1e6 * (CpuTimes.Of(server.Pid) - before) / count);
            line.Add(count / c.Seconds / 1000, count / ours.Seconds / 1000);
        }
    }

    public async Task RequestsAsync(int count, int rounds)
    {
        var line = report.Line("request-reply p50", "us", 1.1, atLeast: false);
        await OurNats.RequestsAsync(server.Url, count);
        for (var round = 0; round < rounds; round++)
        {
            var c = await yardstick.RunAsync("request", server.Url, count);
            var ours = await OurNats.RequestsAsync(server.Url, count);
            report.Fact("request: CPU us per request, ours", 1e6 * ours.CpuSeconds / count);
            report.Fact("request: CPU us per request, yardstick", 1e6 * c.CpuSeconds / count);
            report.Fact("request: p99 us, ours", ours.P99Micros);
            report.Fact("request: p99 us, yardstick", c.P99Micros);
            line.Add(c.P50Micros, ours.P50Micros);
        }
    }

    public async Task FourPublishersAsync(int count, int rounds)
    {
        var line = report.Line("4 publishers on one connection", "k msg/s (1 = yardstick)", 1.0, atLeast: true);
        await OurNats.PublishAsync(server.Url, count / 2, publishers: 4);
        for (var round = 0; round < rounds; round++)
        {
            var one = await OurNats.PublishAsync(server.Url, count, publishers: 1);
            var four = await OurNats.PublishAsync(server.Url, count, publishers: 4);
            report.Fact("four: CPU us per message, 1 publisher", 1e6 * one.CpuSeconds / count);
            report.Fact("four: CPU us per message, 4 publishers", 1e6 * four.CpuSeconds / count);
            line.Add(count / one.Seconds / 1000, count / four.Seconds / 1000);
        }
    }

    public async Task AllocationAsync(int count, int rounds)
    {
        var line = report.Line("allocated per message received", "bytes", 40, atLeast: false);
        await OurNats.PubSubAsync(server.Url, count / 4);
        for (var round = 0; round < rounds; round++)
            line.Add(null, (double)(await OurNats.PubSubAsync(server.Url, count)).AllocatedBytes / count);
    }

    private Task<Measured> OursAsync(string mode, int count) => mode == "publish"
        ? OurNats.PublishAsync(server.Url, count, publishers: 1)
        : OurNats.PubSubAsync(server.Url, count);
}

/// <summary>One run. Fields that a mode does not measure are 0.</summary>
internal sealed record Measured(
    double Seconds, double CpuSeconds, double P50Micros = 0, double P99Micros = 0, long AllocatedBytes = 0);
