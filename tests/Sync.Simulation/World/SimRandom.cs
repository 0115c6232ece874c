namespace Sync.Simulation;

/// <summary>SplitMix64: the only source of chance. Its algorithm is ours, so a seed means the same history on every
/// runtime.</summary>
internal sealed class SimRandom(ulong seed)
{
    private ulong _state = seed;

    public ulong Next()
    {
        var mixed = _state += 0x9E3779B97F4A7C15;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }

    public int Below(int count) => (int)(Next() % (uint)count);

    public int From(int min, int max) => min + Below(max - min + 1);

    public bool Chance(int percent) => Below(100) < percent;

    public double Unit() => (Next() >> 11) * (1.0 / (1UL << 53));

    public TimeSpan Between(double minMilliseconds, double maxMilliseconds) =>
        TimeSpan.FromMicroseconds((long)(1000 * (minMilliseconds + ((maxMilliseconds - minMilliseconds) * Unit()))));

    public T Pick<T>(IReadOnlyList<T> items) => items[Below(items.Count)];
}
