using System.Diagnostics.Metrics;

namespace Sync.Testing.Transport;

/// <summary>Sums one instrument while it lives. Instruments are the process's, so tests that run beside count too: assert
/// lower bounds.</summary>
public sealed class MetricCount : IDisposable
{
    private readonly MeterListener _listener = new();
    private long _value;

    public MetricCount(string meter, string instrument)
    {
        _listener.InstrumentPublished = (published, listener) =>
        {
            if (published.Meter.Name == meter && published.Name == instrument) listener.EnableMeasurementEvents(published);
        };
        _listener.SetMeasurementEventCallback<long>((_, measurement, _, _) => Interlocked.Add(ref _value, measurement));
        _listener.Start();
    }

    public long Value => Interlocked.Read(ref _value);

    public void Dispose() => _listener.Dispose();
}
