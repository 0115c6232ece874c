using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Sync.Client;

/// <summary>All figures of meter <c>Sync.Client</c> and the source of its activities, named once. One set per process:
/// instruments are shared by all clients in it.</summary>
internal static class ClientTelemetry
{
    public const string Outcome = "outcome";

    /// <summary>One activity for each request of writes: <c>sync.client.batch</c>.</summary>
    public static readonly ActivitySource Activities = new("Sync.Client");

    private static readonly Meter Meter = new("Sync.Client");

    public static readonly Counter<long> Writes = Meter.CreateCounter<long>(
        "sync.client.writes", "{write}", "Writes that ended, by outcome: committed, replayed, refused, unknown, withdrawn.");

    public static readonly Counter<long> Retries =
        Meter.CreateCounter<long>("sync.client.retries", "{write}", "Writes that must be sent again: no answer, or a passing refusal.");

    public static readonly Histogram<int> BatchSize =
        Meter.CreateHistogram<int>("sync.client.batch.size", "{write}", "Writes of one request.");

    public static readonly UpDownCounter<long> Queued =
        Meter.CreateUpDownCounter<long>("sync.client.queued", "{write}", "Writes that wait or are under way.");
}
