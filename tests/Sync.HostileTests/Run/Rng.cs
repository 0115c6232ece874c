namespace Sync.HostileTests.Run;

/// <summary>A small generator (splitmix64): the same seed gives the same inputs on every machine and version.</summary>
internal sealed class Rng(ulong seed)
{
    private ulong _state = seed;

    public ulong Bits()
    {
        var mixed = _state += 0x9E37_79B9_7F4A_7C15;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58_476D_1CE4_E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D0_49BB_1331_11EB;
        return mixed ^ (mixed >> 31);
    }

    /// <summary>0 to count - 1; 0 for a count of 0.</summary>
    public int Below(int count) => (int)(((Bits() >> 32) * (ulong)(uint)count) >> 32);

    public bool OneIn(int count) => Below(count) == 0;

    public T Pick<T>(T[] from) => from[Below(from.Length)];

    /// <summary>A seed that depends on all of its parts, and on nothing of this process.</summary>
    public static ulong Seed(int seed, string name, int number)
    {
        var hash = 0xCBF2_9CE4_8422_2325UL ^ (uint)seed;
        foreach (var letter in name) hash = (hash ^ letter) * 0x100_0000_01B3;
        return new Rng(hash ^ ((ulong)(uint)number << 32)).Bits();
    }
}
