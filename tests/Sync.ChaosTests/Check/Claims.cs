using Sync.Contracts;

namespace Sync.ChaosTests.Check;

/// <summary>Replicas that said "current as of this position": what their readers saw then must be at least that (R6).</summary>
internal sealed class Claims
{
    private readonly List<Claim> _open = [];
    private long _checked;

    /// <summary>A line <c>fresh</c>: written after what was held was read, which was read after the claim.</summary>
    /// <param name="reader">Who claims; another life of its process knows nothing of it.</param>
    /// <param name="line">The line.</param>
    public void Take(ReaderStory reader, LogLine line) =>
        _open.Add(new Claim(reader, line.Time, line.Feed, line.History, line.Position));

    /// <summary>Compares the claims since the last call with the rows, which must be newer.</summary>
    public void Check(LedgerFacts facts, HeldStories held, FindingList findings)
    {
        foreach (var claim in _open)
        {
            // A restored copy has other facts at these positions.
            if (claim.History != facts.History || held.SawOtherHistory(claim.History)) continue;
            Check(claim, facts, findings);
            _checked++;
        }
        _open.Clear();
    }

    public void Count(IDictionary<string, long> counters) => counters["claims of freshness checked"] = _checked;

    private static void Check(Claim claim, LedgerFacts facts, FindingList findings)
    {
        foreach (var key in facts.KeysOf(claim.Feed))
        {
            if (key.Collection != Load.Collection || facts.LastAt(key, claim.Position) is not { } due) continue;
            var (has, isGone) = claim.Reader.Keys.GetValueOrDefault(key)?.At(claim.Time) ?? (0, true);
            if (!isGone && has >= due.Sequence) continue;
            // Absence is right behind any delete; a value that fails a gate leaves the old one.
            if (facts.From(key, due.Sequence).Any(
                fact => !fact.PassesGates(claim.Reader.Knows) || (isGone && fact.Op == ChangeOp.Delete))) continue;
            findings.Add("R6", "a replica claimed to be current and was not",
                $"{claim.Reader.Name} {claim.Time}: as of {claim.Feed}-{claim.History}-{claim.Position}, "
                + $"has {(isGone ? "nothing" : has)}; {due}");
        }
    }

    private readonly record struct Claim(ReaderStory Reader, long Time, int Feed, long History, long Position);
}
