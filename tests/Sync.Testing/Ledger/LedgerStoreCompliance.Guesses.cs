using Shouldly;
using Sync.Contracts;
using Xunit;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Testing.Ledger;

public abstract partial class LedgerStoreCompliance
{
    [Fact]
    public async Task A_page_of_one_collection_guesses_where_the_next_one_of_its_limit_ends()
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        await driver.WriteAsync([.. Enumerable.Range(0, 30).Select(number => Put(User($"k{number:D2}"), "x"))]);
        await driver.WriteAsync(Delete(User("k07")));
        var scope = SyncedPattern.OfCollection("acme", "user");
        foreach (var limit in new[] { 1, 7, 14 })
        {
            SyncedKey? after = null, guess = null;
            for (var more = true; more;)
            {
                var page = await Store.SnapshotAsync(scope, driver.Lease.Feed, after, limit, Plenty);
                if (guess is not null) page.Envelopes[^1].Key.ShouldBe(guess.Value);
                else if (after is not null) page.More.ShouldBeFalse();
                (after, guess, more) = (page.Envelopes[^1].Key, page.NextEnd, page.More);
            }
            guess.ShouldBeNull();
        }
        (await Store.SnapshotAsync(scope, driver.Lease.Feed, null, 7, 1)).NextEnd.ShouldBeNull();
    }
}
