using Sync.HostileTests.Mutation;

namespace Sync.HostileTests.Run;

/// <summary>A run of inputs of one target that depends on nothing but the seed and its number: whichever thread does it,
/// and whatever ran before, the inputs are the same.</summary>
internal sealed class Slice(Target target, IReadOnlyList<byte[]> seeds, int seed, int number)
{
    /// <summary>Inputs of a whole slice.</summary>
    public const int Size = 20_000;

    private const int GrownMax = 1024;
    private const int KeptBytesMax = 1024;

    private readonly List<Entry> _pool = [.. seeds.Select(bytes => new Entry(bytes, target.Flavor))];
    private readonly HashSet<long> _known = [];

    public Probe Probe { get; } = new(target);

    public int Taken { get; private set; }

    public int Refused { get; private set; }

    /// <summary>Inputs that reached an answer that no input before did.</summary>
    public List<byte[]> Grown { get; } = [];

    /// <returns>Null unless an oracle was broken.</returns>
    public Finding? Run(int count)
    {
        foreach (var entry in _pool)
        {
            if (Try(entry.Bytes, -1, out var outcome) is { } finding) return finding;
            _known.Add(Novelty(entry.Bytes, outcome));
        }
        var random = new Rng(Rng.Seed(seed, target.Name, number));
        var mutator = new Mutator(random, target.Flavor, target.Words);
        for (var index = 0; index < count; index++)
        {
            var input = mutator.Next(_pool, seeds.Count);
            if (Try(input, index, out var outcome) is { } finding) return finding;
            Count(input, outcome);
        }
        return null;
    }

    private Finding? Try(ReadOnlySpan<byte> input, int index, out Outcome outcome)
    {
        try
        {
            outcome = Probe.Run(input);
            return null;
        }
        catch (WrongAnswerException wrong)
        {
            outcome = default;
            var small = Finding.Minimize(target, input.ToArray(), wrong.Message);
            return new Finding(target.Name, seed, number, index, wrong.Message, small, $"{wrong.InnerException}");
        }
    }

    private void Count(ReadOnlySpan<byte> input, Outcome outcome)
    {
        if (outcome.IsTaken) Taken++;
        else Refused++;
        if (!_known.Add(Novelty(input, outcome)) || input.Length > KeptBytesMax || Grown.Count >= GrownMax) return;
        var bytes = input.ToArray();
        Grown.Add(bytes);
        _pool.Add(new Entry(bytes, target.Flavor));
    }

    // No guidance by coverage is to be had here: kind of answer, place of the error, size class.
    private static long Novelty(ReadOnlySpan<byte> input, Outcome outcome) =>
        ((long)outcome.Site << 8) | (uint)(int.Log2(input.Length + 1) << 1) | (outcome.IsTaken ? 1u : 0u);
}
