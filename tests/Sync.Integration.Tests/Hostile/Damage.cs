using Sync.HostileTests.Mutation;
using Sync.HostileTests.Run;

namespace Sync.Integration.Tests.Hostile;

/// <summary>Damaged inputs from a fixed seed. For one thread.</summary>
internal sealed class Damage(IEnumerable<byte[]> seeds, Flavor flavor, string name)
{
    /// <summary>The first seed of all damage; a name makes another one of it.</summary>
    public const int Seed = 20_260_101;

    private readonly List<Entry> _pool = [.. seeds.Select(bytes => new Entry(bytes, flavor))];
    private readonly Mutator _mutator = new(new Rng(Rng.Seed(Seed, name, 0)), flavor, []);

    public byte[] Next() => _mutator.Next(_pool, _pool.Count).ToArray();
}
