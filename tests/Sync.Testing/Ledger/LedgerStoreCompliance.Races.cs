using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Xunit;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Testing.Ledger;

public abstract partial class LedgerStoreCompliance
{
    private const int RaceGroups = 60;

    [Fact]
    public async Task Rivals_for_one_feed_leave_dense_positions_and_no_old_epoch_after_a_new_one()
    {
        var feed = await Store.FeedOfAsync("acme");
        var other = await OpenAgainAsync();
        using var done = new CancellationTokenSource();
        var poller = Task.Run(() => PollAsync(other, feed, done.Token));
        var fenced = 0;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(number => Task.Run(() => RivalAsync(number))));
        await done.CancelAsync();
        (await poller).ShouldBeGreaterThan(0);
        fenced.ShouldBeGreaterThan(0);
        await ShouldBeSoundAsync();

        async Task RivalAsync(int number)
        {
            // Everybody may take the feed from everybody: all say that they are the same owner.
            var store = number % 2 == 0 ? Store : other;
            var ids = new SequentialIds(number);
            // On a busy machine each could run alone to its end: all go on until they have met, within reason.
            for (var committed = 0; committed < (Volatile.Read(ref fenced) > 0 ? RaceGroups : 50 * RaceGroups);)
            {
                var driver = (await StoreDriver.TryAcquireAsync(store, feed, "one", Minute, ids)).ShouldNotBeNull();
                for (var turn = 0; turn < 5; turn++)
                {
                    var group = await driver.GroupAsync(Put(User($"k{turn}"), $"{number}"), Put(User($"own{number}"), $"{committed}"));
                    await Task.Yield();
                    if (await driver.TryCommitAsync(group) is CommitOutcome.Committed)
                    {
                        committed++;
                        continue;
                    }
                    Interlocked.Increment(ref fenced);
                    break;
                }
            }
        }
    }

    [Fact]
    public async Task An_answer_for_many_keys_is_one_snapshot()
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        await driver.WriteAsync(Put(User("a"), "0"), Put(User("b"), "0"));
        var other = await OpenAgainAsync();
        using var done = new CancellationTokenSource();
        var reader = Task.Run(async () =>
        {
            var reads = 0;
            while (!done.IsCancellationRequested || reads == 0)
            {
                var answer = await other.GetManyAsync("acme", [new("user", "a", Sequence.Unknown), new("user", "b", Sequence.Unknown)], 1 << 20);
                answer.Envelopes[0].Sequence.ShouldBe(answer.Envelopes[1].Sequence);
                answer.Envelopes[1].Position.ShouldBe(answer.Position);
                var list = await other.ListAsync("acme", "user", null, 10, AsOf.Now, 1 << 20);
                list.Facts[0].Sequence.ShouldBe(list.Facts[1].Sequence);
                list.Facts[1].Position.ShouldBe(list.Position);
                reads++;
            }
        });
        for (var number = 1; number <= RaceGroups; number++)
            await driver.WriteAsync(Put(User("a"), $"{number}"), Put(User("b"), $"{number}"));
        await done.CancelAsync();
        await reader;
    }

    // Follows the feed as a cursor does: what it has seen must be one contiguous run at any moment.
    private static async Task<long> PollAsync(ILedgerStore store, FeedId feed, CancellationToken done)
    {
        var at = Position.Start;
        var epoch = 0L;
        for (var isLast = false; !isLast;)
        {
            isLast = done.IsCancellationRequested;
            var page = await store.ReadFeedAsync(feed, at, 50, 1 << 20, CancellationToken.None);
            foreach (var fact in page.Facts)
            {
                fact.Position.ShouldBe(at.Next);
                fact.Epoch.Value.ShouldBeGreaterThanOrEqualTo(epoch);
                (at, epoch) = (fact.Position, fact.Epoch.Value);
            }
            page.Position.ShouldBeGreaterThanOrEqualTo(at);
        }
        return at.Value;
    }
}
