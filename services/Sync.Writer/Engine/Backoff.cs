namespace Sync.Writer.Engine;

/// <summary>Waits that double up to a bound, with jitter, so that many processes do not come back at the same
/// moment.</summary>
internal sealed class Backoff(TimeSpan first, TimeSpan longest, Random random)
{
    private TimeSpan _next;

    public int Attempt { get; private set; }

    public TimeSpan Next()
    {
        if (Attempt++ == 0) _next = first;
        var wait = _next * (0.75 + (random.NextDouble() / 2));
        _next = _next * 2 < longest ? _next * 2 : longest;
        return wait;
    }

    public void Reset() => Attempt = 0;
}
