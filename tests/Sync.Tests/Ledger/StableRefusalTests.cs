using Shouldly;
using Sync.Contracts;
using Sync.Testing.Ledger;
using Xunit;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Tests.Ledger;

/// <summary>Which refusals also hold for an attempt that arrives later, and what the caller of a repeated write is told.</summary>
public sealed class StableRefusalTests(ITestOutputHelper output)
{
    private static readonly RefusalCode[] Always =
    [
        RefusalCode.InvalidName, RefusalCode.InvalidValue, RefusalCode.InvalidSchemaVersion, RefusalCode.IdempotencyKeyReused,
        RefusalCode.WrongShape,
    ];

    private static readonly RefusalCode[] ByState =
        [RefusalCode.ExpectedSequenceDiffers, RefusalCode.LiveRecordExists, RefusalCode.NoLiveRecord];

    public static TheoryData<RefusalCode> Codes => [.. Enum.GetValues<RefusalCode>()];

    [Theory]
    [MemberData(nameof(Codes))]
    public void Beside_an_open_attempt_only_a_stable_refusal_is_told(RefusalCode code)
    {
        var refusal = new Refusal(code, "for a reason") { Last = new Sequence(7) };
        foreach (long? expected in new long?[] { null, 6, 7, 8 })
        {
            var command = Put(User("a"), "1", "key", expected);
            var isStable = Always.Contains(code) || (ByState.Contains(code) && expected <= 7);
            refusal.IsStableFor(command).ShouldBe(isStable, $"{code}, expected {expected}");
            refusal.ToResult(command, hasOpenAttempt: false).ShouldBe(new WriteResult.Refused(refusal));
            if (isStable) refusal.ToResult(command, hasOpenAttempt: true).ShouldBe(new WriteResult.Refused(refusal));
            else
                refusal.ToResult(command, hasOpenAttempt: true).ShouldBeOfType<WriteResult.Unknown>().Reason
                    .ShouldContain($"{code}: for a reason");
        }
    }

    [Theory]
    [InlineData(RefusalCode.ExpectedSequenceDiffers)]
    [InlineData(RefusalCode.LiveRecordExists)]
    [InlineData(RefusalCode.NoLiveRecord)]
    public void A_refusal_that_does_not_say_where_the_key_stood_is_not_stable(RefusalCode code) =>
        new Refusal(code, "").IsStableFor(Put(User("a"), expected: 1)).ShouldBeFalse();

    [Fact]
    public void A_refusal_by_the_keys_state_says_its_last_sequence()
    {
        var rig = new SequencerRig();
        RefusalOf(rig, Delete(User("a"))).ShouldBe((RefusalCode.NoLiveRecord, new Sequence(0)));
        rig.Write(Put(User("a")));
        RefusalOf(rig, Put(User("a"), expected: 9)).ShouldBe((RefusalCode.ExpectedSequenceDiffers, new Sequence(1)));
        RefusalOf(rig, Put(User("a")) with { OnlyIfNoLiveRecord = true }).ShouldBe((RefusalCode.LiveRecordExists, new Sequence(1)));
    }

    // A straggler of a refused write, behind anything that others may write meanwhile, at the same owner or the next.
    [Fact]
    public void What_was_refused_in_a_stable_way_is_refused_whenever_it_arrives_and_other_refusals_turn()
    {
        var (stable, turned) = (0, 0);
        for (var seed = 0; seed < 400; seed++)
        {
            var (random, rig) = (new Random(seed), new SequencerRig());
            for (var count = random.Next(4); count > 0; count--) rig.Write(Other(random));
            var write = Draw(random) with { IdempotencyKey = "key" };
            if (rig.Write(write) is not WriteResult.Refused { Refusal: var refusal }) continue;
            if (random.Next(2) == 0) rig = rig.Successor();
            for (var count = random.Next(1, 4); count > 0; count--)
            {
                rig.Write(Other(random));
                var late = rig.Write(write);
                if (refusal.IsStableFor(write))
                    late.ShouldBeOfType<WriteResult.Refused>($"seed {seed}: {refusal.Code}, {refusal.Detail}");
                else if (late is WriteResult.Committed) turned++;
            }
            if (refusal.IsStableFor(write)) stable++;
        }
        output.WriteLine($"{stable} stable refusals, {turned} others that a straggler did not meet");
        stable.ShouldBeGreaterThan(50);
        turned.ShouldBeGreaterThan(50);
    }

    private static WriteCommand Draw(Random random)
    {
        SyncedKey key = random.Next(10) == 0 ? new("acme", "log", "a") : User("a");
        return new WriteCommand
        {
            Key = key,
            Op = random.Next(12) == 0 ? ChangeOp.Append : random.Next(2) == 0 ? ChangeOp.Delete : ChangeOp.Put,
            Value = Value("mine"),
            Expected = random.Next(2) == 0 ? new Sequence(random.Next(5)) : null,
            OnlyIfNoLiveRecord = random.Next(4) == 0,
        };
    }

    private static WriteCommand Other(Random random) => random.Next(8) == 0
        ? new WriteCommand { Key = new("acme", "log", "a"), Op = ChangeOp.Append, Value = Value("event") }
        : random.Next(3) == 0 ? Delete(User("a")) : Put(User("a"), "theirs");

    private static (RefusalCode, Sequence?) RefusalOf(SequencerRig rig, WriteCommand command)
    {
        var refusal = rig.Write(command).ShouldBeOfType<WriteResult.Refused>().Refusal;
        return (refusal.Code, refusal.Last);
    }
}
