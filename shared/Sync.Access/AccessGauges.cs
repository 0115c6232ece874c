using System.Diagnostics.Metrics;

namespace Sync.Access;

/// <summary>What is known of tokens at one guard, as figures of meter <c>Sync.Access</c>.</summary>
internal sealed class AccessGauges : IDisposable
{
    private readonly Meter _meter = new("Sync.Access");

    public AccessGauges(AccessGuard guard)
    {
        _meter.CreateObservableGauge(
            "sync.access.age", () => guard.Age?.TotalSeconds ?? -1, "s", "Since when tokens may be missed; -1 = not loaded yet.");
        _meter.CreateObservableGauge("sync.access.tokens", () => guard.Book.Count, "{token}", "Tokens that are known.");
    }

    public void Dispose() => _meter.Dispose();
}
