using Shouldly;
using Sync.Contracts;
using Sync.Replication;
using Xunit;
using static Sync.Tests.Replication.CoreOf;

namespace Sync.Tests.Replication;

/// <summary>Whatever order, loss and repetition the deliveries have, and whenever answers come: no refused value is
/// visible, the sequence never goes back, and a last refetch ends at the head. Each switch of
/// <see cref="PlantedFaults"/> that breaks one of these rules must be noticed by the same check.</summary>
public sealed class ReplicaCorePermutationTests
{
    private const int Runs = 3000;

    [Theory]
    [InlineData(GapPolicy.Refetch)]
    [InlineData(GapPolicy.ApplyLatest)]
    public void Any_order_loss_and_repetition_ends_at_the_head_without_showing_a_refused_value(GapPolicy policy)
    {
        for (var seed = 0; seed < Runs; seed++)
            Run(seed, new ReplicaRules { Gaps = policy, Expected = new("1.0") }).ShouldBeNull($"seed {seed}");
    }

    public static TheoryData<string, PlantedFaults> Faults() => new()
    {
        { "below", new PlantedFaults { ApplyBelowSequence = true } },
        { "before parse", new PlantedFaults { SequenceAdvancedBeforeParse = true } },
        { "tombstone", new PlantedFaults { TombstoneIgnored = true } },
        { "wrong key", new PlantedFaults { WrongKeyAccepted = true } },
        { "once", new PlantedFaults { RefetchOnceNeverAgain = true } },
        { "for ever", new PlantedFaults { RefetchForever = true } },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_planted_fault_is_noticed(string name, PlantedFaults faults)
    {
        var rules = new ReplicaRules { Expected = new("1.0"), Faults = faults };
        Enumerable.Range(0, Runs).Any(seed => Run(seed, rules) is not null).ShouldBeTrue($"nobody noticed: {name}");
    }

    // Null when all invariants hold, else which does not.
    private static string? Run(int seed, ReplicaRules rules)
    {
        var random = new Random(seed);
        var facts = Facts(random);
        var core = new ReplicaCore<string>(Key, new Sync.Testing.Replication.TextSchema(), rules);
        var inbox = Deliveries(facts, random);
        var (mustAsk, askedAt, have) = (true, -1, Sequence.Unknown); // the birth fetch; -1 = no request is out
        var shown = -1L;

        for (var step = 0; step <= inbox.Count; step++)
        {
            if (mustAsk && askedAt < 0) (mustAsk, askedAt, have) = (false, Math.Min(step, facts.Count), core.Have);
            if (askedAt >= 0 && random.Next(3) == 0)
            {
                var effects = AnswerFrom(core, facts, Math.Max(askedAt, random.Next(facts.Count + 1)), have);
                askedAt = -1;
                if (Broken(core, ref shown) is { } wrong) return wrong;
                mustAsk |= (effects & ReplicaEffects.Refetch) != 0;
            }
            if (step == inbox.Count) break;
            mustAsk |= (core.Receive(inbox[step], EnvelopeOrigin.Live) & ReplicaEffects.Refetch) != 0;
            if (Broken(core, ref shown) is { } broken) return broken;
        }

        // Faults stop: a check (what a beat or a reconnect causes) until nothing is in flight.
        mustAsk |= (core.Check(default) & ReplicaEffects.Refetch) != 0;
        for (var round = 0; mustAsk; round++)
        {
            if (round > 3) return "a refetch loop";
            mustAsk = (AnswerFrom(core, facts, facts.Count, core.Have) & ReplicaEffects.Refetch) != 0;
            if (Broken(core, ref shown) is { } broken) return broken;
        }
        foreach (var copy in inbox.Where(envelope => envelope.Sequence == facts[^1].Sequence && envelope.Key == Key))
            if ((core.Receive(copy, EnvelopeOrigin.Live) & ReplicaEffects.Refetch) != 0) return "refetched while the head is unchanged";
        return AtHead(core, facts);
    }

    private static string? AtHead(ReplicaCore<string> core, List<Envelope> facts)
    {
        if (!core.IsIdle) return "a recovery is left in flight";
        var head = facts[^1];
        if (IsBad(head)) return core.Status == ReplicaStatus.Skew && core.Sequence < head.Sequence ? null : "a refused head is not shown as a skew";
        if (core.Sequence != head.Sequence) return $"ends at {core.Sequence}, not at the head {head.Sequence}";
        if (core.Status != ReplicaStatus.Ok || !core.IsCurrent) return $"ends {core.Status}";
        return core.HasValue == !head.IsTombstone && (head.IsTombstone || core.Value == $"v{head.Sequence}") ? null : "ends with another value";
    }

    private static string? Broken(ReplicaCore<string> core, ref long shown)
    {
        if (core.Sequence.Value < shown) return $"the sequence went back from {shown} to {core.Sequence}";
        shown = core.Sequence.Value;
        if (core.HasValue && core.Value!.StartsWith('!')) return "a value that failed the parse gate is visible";
        if (core.HasValue && core.Value!.StartsWith("other", StringComparison.Ordinal)) return "a value of another key is visible";
        return core.HasValue && core.Value != $"v{core.Sequence}" ? $"{core.Value} is shown under sequence {core.Sequence}" : null;
    }

    private static ReplicaEffects AnswerFrom(ReplicaCore<string> core, List<Envelope> facts, int count, Sequence have)
    {
        var envelope = count == 0 ? Absent() : facts[count - 1];
        var again = core.Need.Position.Value > count * 10;
        var effects = core.Answered(envelope.Sequence > have ? envelope : null, have, History, again);
        return again ? effects | ReplicaEffects.Refetch : effects;
    }

    private static List<Envelope> Facts(Random random)
    {
        var facts = new List<Envelope>();
        var count = random.Next(1, 12);
        for (var sequence = 1; sequence <= count; sequence++)
            facts.Add(random.Next(6) switch
            {
                0 => Tombstone(sequence),
                1 => Put(sequence, $"!{sequence}"),
                2 => Put(sequence, version: "2.0"),
                _ => Put(sequence, version: random.Next(4) == 0 ? null : "1.0"),
            });
        return facts;
    }

    private static bool IsBad(Envelope envelope) =>
        !envelope.IsTombstone && (envelope.SchemaVersion.Text == "2.0" || envelope.Value.Span.StartsWith("!"u8));

    private static List<Envelope> Deliveries(List<Envelope> facts, Random random)
    {
        var inbox = facts.Where(_ => random.Next(4) != 0).ToList();
        for (var repeat = random.Next(4); repeat > 0 && inbox.Count > 0; repeat--) inbox.Add(inbox[random.Next(inbox.Count)]);
        if (random.Next(2) == 0)
        {
            var shuffled = inbox.ToArray();
            random.Shuffle(shuffled);
            inbox = [.. shuffled];
        }
        if (random.Next(4) == 0) inbox.Insert(random.Next(inbox.Count + 1), Put(random.Next(1, 20), "other", key: new("acme", "user", "x")));
        return inbox;
    }
}
