using System.Diagnostics.Metrics;
using System.Reflection;
using System.Runtime.CompilerServices;
using Sync.Access;
using Sync.Client;
using Sync.Hosting;
using Sync.Ledger;
using Sync.Lobby.Insights;
using Sync.Nats;
using Sync.Replication;
using Sync.Transport;

namespace Sync.Tests.Telemetry;

/// <summary>Every instrument that our meters register, without running anything.</summary>
internal static class Instruments
{
    private static readonly Assembly[] Assemblies =
    [
        typeof(AccessGuard).Assembly, typeof(SyncClient).Assembly, typeof(EventStreams).Assembly, typeof(LedgerNode).Assembly, typeof(InsightRunner).Assembly,
        typeof(NatsCredentials).Assembly, typeof(ReplicaHub).Assembly, typeof(NatsTransport).Assembly,
    ];

    public static IReadOnlyDictionary<string, Instrument> All { get; } = Collect();

    /// <summary>The names under which Prometheus keeps it, as its OTLP receiver makes them.</summary>
    public static IEnumerable<string> PrometheusNames(Instrument instrument)
    {
        var name = instrument.Name.Replace('.', '_') + instrument.Unit switch
        {
            "s" => "_seconds",
            "By" => "_bytes",
            null => "",
            ['{', ..] => "",
            _ => throw new InvalidOperationException($"{instrument.Name} has the unit {instrument.Unit}: give its suffix here."),
        };
        return instrument.GetType().GetGenericTypeDefinition() switch
        {
            var type when type == typeof(Histogram<>) => [name + "_bucket", name + "_sum", name + "_count"],
            var type when type == typeof(Counter<>) || type == typeof(ObservableCounter<>) => [name + "_total"],
            _ => [name],
        };
    }

    private static Dictionary<string, Instrument> Collect()
    {
        var found = new Dictionary<string, Instrument>(StringComparer.Ordinal);
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (!instrument.Meter.Name.StartsWith("Sync.", StringComparison.Ordinal)) return;
                lock (found) found[instrument.Name] = instrument;
            },
        };
        listener.Start();
        var owned = new List<IDisposable>();
        foreach (var type in Assemblies.SelectMany(assembly => assembly.GetTypes()).Where(HasMeter))
        {
            if (type.IsAbstract) RuntimeHelpers.RunClassConstructor(type.TypeHandle);
            else owned.Add(Create(type));
        }
        foreach (var one in owned) one.Dispose();
        lock (found) return new(found, StringComparer.Ordinal);
    }

    private static bool HasMeter(Type type) => Own(type).Any(field => field.FieldType == typeof(Meter));

    private static FieldInfo[] Own(Type type) => type.GetFields(
        BindingFlags.Static | BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DeclaredOnly);

    // What they are given is only asked when somebody measures.
    private static IDisposable Create(Type type)
    {
        var constructor = type.GetConstructors(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Single();
        return (IDisposable)constructor.Invoke([.. constructor.GetParameters().Select(_ => (object?)null)]);
    }
}
