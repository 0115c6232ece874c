using Shouldly;
using Sync.Contracts;
using Sync.Replication;
using Sync.Testing.Replication;
using Xunit;

namespace Sync.Tests.Replication;

/// <summary>The three cores together on virtual time, without a shell: a writer, a lossy bus, beats that get lost,
/// requests that fail, a restored ledger. At every step what a replica claims of its freshness is compared with the
/// ledger; when the faults stop, every replica must be at its head, and known to be, within the stated
/// time.</summary>
public sealed class ReplicationModelTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan ConvergesWithin = TimeSpan.FromSeconds(3);

    [Fact]
    public void Whatever_is_lost_replicas_end_at_the_head_in_time_and_never_claim_more_than_they_have()
    {
        for (var seed = 0; seed < 1500; seed++) new Model(seed, PlantedFaults.None).Run().ShouldBeNull($"seed {seed}");
    }

    public static TheoryData<string, PlantedFaults> Faults() => new()
    {
        { "beats", new PlantedFaults { IgnoreBeats = true } },
        { "history", new PlantedFaults { HistoryResetIgnored = true } },
        { "once", new PlantedFaults { RefetchOnceNeverAgain = true } },
        { "tombstone", new PlantedFaults { TombstoneIgnored = true } },
        { "below", new PlantedFaults { ApplyBelowSequence = true } },
        { "before parse", new PlantedFaults { SequenceAdvancedBeforeParse = true } },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_planted_fault_is_noticed(string name, PlantedFaults faults) =>
        Enumerable.Range(0, 400).Any(seed => new Model(seed, faults).Run() is not null).ShouldBeTrue($"nobody noticed: {name}");

    private sealed class Model
    {
        private readonly Random _random;
        private readonly ModelWriter _writer = new();
        private readonly FeedTrackerCore _tracker;
        private readonly RefetchCore _refetch = new(new RefetchOptions());
        private readonly List<Follower> _followers = [];
        private readonly List<FeedEffect> _effects = [];
        private readonly List<(TimeSpan Due, Action Do)> _wire = [];
        private TimeSpan _now;
        private bool _isQuiet, _isRestored;

        public Model(int seed, PlantedFaults faults)
        {
            _random = new Random(seed);
            _tracker = new FeedTrackerCore(TimeSpan.FromMilliseconds(250), faults);
            for (var index = 0; index < 4; index++)
            {
                var key = new SyncedKey("acme", "user", $"{index / 2}"); // two local replicas of each key
                var follower = new Follower(key, new ReplicaRules { Expected = new("1.0"), Faults = faults });
                _followers.Add(follower);
                _tracker.Join(follower.Member);
                Obey(follower, follower.Core.Check(default));
            }
        }

        public string? Run()
        {
            for (var step = 0; step < 120; step++)
                if (Step() is { } wrong) return wrong;
            _isQuiet = true;
            Write(); // the last word is lost
            for (var end = _now + ConvergesWithin; _now < end;)
                if (Step() is { } wrong) return wrong;
            foreach (var follower in _followers)
                if (NotAtHead(follower) is { } wrong) return wrong;
            return _refetch.KeyCount == 0 ? null : "a refetch is left over";
        }

        private string? Step()
        {
            _now += Tick;
            if (!_isQuiet && _random.Next(3) == 0) Write();
            if (!_isQuiet && !_isRestored && _random.Next(200) == 0) (_isRestored, _) = (true, Restore());
            if (_now.TotalMilliseconds % 500 == 0) Beat();
            foreach (var (due, act) in _wire.Where(sent => sent.Due <= _now).ToList())
            {
                _wire.Remove((due, act));
                act();
            }
            _tracker.Advance(_now, _effects);
            Drain();
            while (_refetch.TryStart(_now, out var batch)) Send(batch);
            foreach (var follower in _followers)
                if (Overclaims(follower) is { } wrong) return wrong;
            return null;
        }

        private void Write()
        {
            var key = _followers[_random.Next(_followers.Count)].Member.Key;
            var number = _writer.Head(key)?.Sequence.Next.Value ?? 1;
            var envelope = _random.Next(_isQuiet ? 1 : 8) switch
            {
                1 => _writer.Delete(key),
                2 when !_isQuiet => _writer.Put(key, $"!{number}"),
                _ => _writer.Put(key, $"v{number}"),
            };
            if (_isQuiet) return;
            foreach (var follower in _followers.Where(other => other.Member.Key == key))
                for (var copy = _random.Next(4); copy > 0; copy -= 2) // lost, once, twice
                    Later(300, () => Obey(follower, follower.Core.Receive(envelope, EnvelopeOrigin.Live)));
        }

        private bool Restore()
        {
            _writer.Restore(2, history: 99);
            return true;
        }

        private void Beat()
        {
            var beat = _writer.NextBeat();
            if (!_isQuiet && _random.Next(3) == 0) return;
            Later(_isQuiet ? 10 : 200, () =>
            {
                _tracker.Receive(beat, _now, _effects);
                Drain();
            });
        }

        private void Send(RefetchBatch batch)
        {
            if (!_isQuiet && _random.Next(4) == 0)
            {
                Later(200, () => Fail(batch));
                return;
            }
            var answer = _writer.Answer(batch.Vault, batch.Items); // read now, delivered later
            Later(_isQuiet ? 20 : 300, () => Settle(batch, answer));
        }

        private void Settle(RefetchBatch batch, EnvelopeAnswer answer)
        {
            _refetch.Answered(batch, answer.History, answer.Position, answer.Answered, _now, _random.NextDouble());
            for (var index = 0; index < batch.Items.Count; index++)
            {
                var (key, have) = (batch.KeyOf(index), batch.Items[index].Have);
                var envelope = answer.Envelopes.FirstOrDefault(other => other.Key == key);
                foreach (var follower in _followers.Where(other => other.Member.Key == key))
                {
                    var effects = follower.Core.Answered(envelope, have, answer.History, _refetch.IsPending(key));
                    Obey(follower, effects);
                    if ((effects & ReplicaEffects.Settled) == 0) continue;
                    _tracker.Answered(follower.Member, answer.Feed, answer.History, answer.Position, _now, _effects);
                }
                if (batch.Outcomes[index] == RefetchOutcome.GaveUp) FailKey(key, isLast: true);
            }
            Drain();
        }

        private void Fail(RefetchBatch batch)
        {
            _refetch.Failed(batch, _now, _random.NextDouble());
            for (var index = 0; index < batch.Items.Count; index++)
                FailKey(batch.KeyOf(index), batch.Outcomes[index] == RefetchOutcome.GaveUp);
        }

        private void FailKey(SyncedKey key, bool isLast)
        {
            foreach (var follower in _followers.Where(other => other.Member.Key == key)) follower.Core.RefetchFailed(isLast);
        }

        private void Drain()
        {
            foreach (var effect in _effects.ToList())
                foreach (var follower in _followers.Where(other => effect.Member is null || other.Member == effect.Member))
                    Obey(follower, effect.Kind switch
                    {
                        FeedEffectKind.Check => follower.Core.Check(effect.At),
                        FeedEffectKind.TailGap => follower.Core.TailGap(effect.At),
                        FeedEffectKind.HistoryReplaced => follower.Core.HistoryReplaced(effect.History),
                        _ => follower.Core.BeatHeard(),
                    });
            _effects.Clear();
        }

        private void Obey(Follower follower, ReplicaEffects effects)
        {
            if ((effects & ReplicaEffects.Refetch) == 0) return;
            _refetch.Request(follower.Member.Key, follower.Core.Have, follower.Core.Need, _now);
            follower.Core.RefetchBegan();
        }

        private void Later(int withinMilliseconds, Action act) =>
            _wire.Add((_now + TimeSpan.FromMilliseconds(_random.Next(withinMilliseconds)), act));

        private string? Overclaims(Follower follower)
        {
            if (follower.Core.HasValue && follower.Core.Value!.StartsWith('!')) return "a refused value is visible";
            var fresh = _tracker.FreshnessOf(follower.Member, _now);
            if (!fresh.IsKnown || fresh.At.History != _writer.History) return null;
            var head = _writer.HeadAt(follower.Member.Key, fresh.At.Position)?.Sequence ?? Sequence.None;
            return follower.Core.Sequence >= head ? null
                : $"{follower.Member.Key} claims to be current as of {fresh.At} with {follower.Core.Sequence}, where the head was {head}";
        }

        private string? NotAtHead(Follower follower)
        {
            var (core, head) = (follower.Core, _writer.Head(follower.Member.Key));
            var fresh = _tracker.FreshnessOf(follower.Member, _now);
            if (head is { IsTombstone: false } && head.Value.Span.StartsWith("!"u8))
                return core.Sequence < head.Sequence && core.IsIdle && !fresh.IsCurrent ? null : $"a refused head shows {core.Status}, {fresh}";
            if (core.Sequence != (head?.Sequence ?? Sequence.None)) return $"{core.Key} ends at {core.Sequence} of {head?.Sequence}";
            if (core.Status != ReplicaStatus.Ok) return $"{core.Key} ends {core.Status}";
            if (core.HasValue != head is { IsTombstone: false }) return $"{core.Key} ends with another value";
            return fresh.IsCurrent && fresh.At.Position == _writer.Position ? null
                : $"{core.Key} is at the head and known to be current only as of {fresh.At}";
        }
    }

    private sealed class Follower : IReplicaMarks
    {
        public Follower(SyncedKey key, ReplicaRules rules)
        {
            Core = new ReplicaCore<string>(key, new TextSchema(), rules);
            Member = new FeedMember(key, this);
        }

        public ReplicaCore<string> Core { get; }

        public FeedMember Member { get; }

        public ReplicaMarks Read() => Core.Marks;
    }
}
