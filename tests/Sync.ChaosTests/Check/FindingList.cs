namespace Sync.ChaosTests.Check;

/// <summary>Gathers findings: one for each kind of violation, with the first few facts of it.</summary>
internal sealed class FindingList
{
    private const int FactsMax = 20;
    private readonly Dictionary<(string Invariant, string What), (List<string> Facts, int Count)> _broken = [];

    public void Add(string invariant, string what, string fact)
    {
        var (facts, count) = _broken.TryGetValue((invariant, what), out var known) ? known : ([], 0);
        if (facts.Count < FactsMax) facts.Add(fact);
        _broken[(invariant, what)] = (facts, count + 1);
    }

    public void AddAll(FindingList other)
    {
        foreach (var (kind, (facts, count)) in other._broken)
        {
            var (known, before) = _broken.TryGetValue(kind, out var mine) ? mine : ([], 0);
            _broken[kind] = ([.. known, .. facts.Take(FactsMax - known.Count)], before + count);
        }
    }

    public IReadOnlyList<Finding> ToFindings() =>
        [.. _broken.Select(broken => new Finding(broken.Key.Invariant,
            broken.Value.Count == 1 ? broken.Key.What
                : $"{broken.Key.What} ({broken.Value.Count} times)", broken.Value.Facts))];
}
