namespace Sync.Hosting;

/// <summary>Waits that double up to a bound, with jitter, so that many processes do not come back at the same moment. For one
/// caller.</summary>
/// <param name="first">The first wait, before jitter.</param>
/// <param name="longest">No wait doubles beyond this.</param>
/// <param name="random">For the jitter: a quarter more or less.</param>
public sealed class Backoff(TimeSpan first, TimeSpan longest, Random random)
{
    private TimeSpan _next;

    /// <summary>Waits taken since the start or the last reset.</summary>
    public int Attempt { get; private set; }

    /// <summary>How long to wait now.</summary>
    public TimeSpan Next()
    {
        if (Attempt++ == 0) _next = first;
        var wait = _next * (0.75 + (random.NextDouble() / 2));
        _next = _next * 2 < longest ? _next * 2 : longest;
        return wait;
    }

    /// <summary>It worked: the next wait is the first again.</summary>
    public void Reset() => Attempt = 0;
}
