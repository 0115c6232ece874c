using Sync.ChaosTests.Faults;

namespace Sync.ChaosTests.Schedule;

/// <summary>Which faults are done when, drawn from a seed: the same seed gives the same plan.</summary>
internal static class Plan
{
    private const int SwarmMin = 2;
    private const int SwarmMax = 4;

    /// <summary>What a round takes beside its faults: to answer again, to converge, to be checked.</summary>
    private static readonly TimeSpan RoundRest = TimeSpan.FromSeconds(4);

    /// <summary>Every one of these faults alone, in a drawn order, as many as fit.</summary>
    public static IReadOnlyList<Round> Singles(int seed, IEnumerable<Fault> faults, TimeSpan budget, int firstNumber = 1)
    {
        var shuffled = faults.ToArray();
        new Random(seed).Shuffle(shuffled);
        var rounds = new List<Round>();
        foreach (var fault in shuffled)
        {
            if ((budget -= fault.Hold + RoundRest) < TimeSpan.Zero) break;
            rounds.Add(new Round(firstNumber + rounds.Count, 'A', [new Planned(fault, TimeSpan.Zero, fault.Hold)]));
        }
        return rounds;
    }

    /// <summary>Rounds of faults that overlap, as many as fit. Each round arms a part of all faults and draws from that, so that
    /// combinations come up which a draw from all would hardly ever give. None when no two of
    /// these faults go together.</summary>
    public static IReadOnlyList<Round> Swarms(int seed, IReadOnlyList<Fault> faults, TimeSpan budget, int firstNumber = 1)
    {
        var random = new Random(seed ^ 0x5eed);
        var rounds = new List<Round>();
        if (!faults.Any(one => faults.Any(other => one != other && one.GoesWith(other)))) return rounds;
        while (true)
        {
            var swarm = Swarm(random, faults);
            var round = new Round(firstNumber + rounds.Count, 'B', swarm);
            budget -= swarm.Max(planned => planned.After + planned.Hold) + RoundRest;
            if (budget < TimeSpan.Zero) return rounds;
            rounds.Add(round);
        }
    }

    private static List<Planned> Swarm(Random random, IReadOnlyList<Fault> faults)
    {
        var swarm = new List<Planned>();
        while (swarm.Count < SwarmMin)
        {
            swarm.Clear();
            var armed = faults.Where(_ => random.Next(3) == 0).ToArray();
            random.Shuffle(armed);
            var size = random.Next(SwarmMin, SwarmMax + 1);
            foreach (var fault in armed.TakeWhile(_ => swarm.Count < size))
            {
                if (!swarm.All(other => other.Fault.GoesWith(fault))) continue;
                var after = TimeSpan.FromMilliseconds(random.Next(1500));
                swarm.Add(new Planned(fault, after, fault.Hold + TimeSpan.FromMilliseconds(random.Next(1000))));
            }
        }
        return swarm;
    }
}
