using Shouldly;
using Sync.Access;
using Sync.Contracts;
using Sync.Testing;
using Xunit;

namespace Sync.Tests.Access;

/// <summary>The check of a token, and what is known of tokens.</summary>
public sealed class GuardTests
{
    private readonly ManualTimeProvider _time = new(Tokens.Start.ToDateTimeOffset());
    private readonly string _root = AccessToken.Mint();
    private readonly string _token = AccessToken.Mint();
    private readonly string _service = AccessToken.Mint();
    private readonly AccessBook _book = new();
    private readonly AccessGuard _guard;

    public GuardTests() => _guard = AccessGuard.OfTokens(
        _book,
        [
            new(AccessToken.HashOf(_root), AccessIdentity.Root),
            new(AccessToken.HashOf(_service), AccessIdentity.OfSettings("insight", [WriteInsight])),
        ],
        TimeSpan.FromMinutes(1), _time);

    private static AccessScope WriteInsight => AccessScope.Parse("write:insight/*").Value;

    [Fact]
    public void A_token_of_the_settings_needs_no_book()
    {
        _time.Advance(TimeSpan.FromHours(1));
        _guard.IsStale.ShouldBeTrue();
        var result = Check(_service);
        result.State.ShouldBe(AccessState.Granted);
        result.Identity!.Covers(AccessAction.Write, AccessTarget.OfVault("insight", "x")).ShouldBeTrue();
        result.Identity.Covers(AccessAction.Write, AccessTarget.OfVault("acme", "x")).ShouldBeFalse();
        result.Identity.Covers(AccessAction.Admin, AccessTarget.None).ShouldBeFalse();
        _guard.Again(result.Identity).ShouldBe(AccessState.Granted);
    }

    [Fact]
    public void A_known_token_is_let_in_with_its_scopes()
    {
        Know(Tokens.Record(_token, "read:acme/*"));
        var result = Check(_token);
        result.State.ShouldBe(AccessState.Granted);
        result.Identity!.Covers(AccessAction.Read, AccessTarget.OfVault("acme", "x")).ShouldBeTrue();
        result.Identity.Covers(AccessAction.Write, AccessTarget.OfVault("acme", "x")).ShouldBeFalse();
        _guard.Check("bearer " + _token, null).State.ShouldBe(AccessState.Granted);
    }

    [Fact]
    public void What_is_no_token_or_not_known_is_told_apart()
    {
        Know(Tokens.Record(_token, "status"));
        _guard.Check(null, null).State.ShouldBe(AccessState.Missing);
        _guard.Check("", null).State.ShouldBe(AccessState.Missing);
        foreach (var wrong in new[] { "Bearer", "Bearer ", "Basic eDp5", _token, "Bearer  " + _token, $"Bearer {_token} ",
            $"Bearer {_token},{_token}", "Token " + _token })
            _guard.Check(wrong, null).State.ShouldBe(AccessState.Malformed, wrong);
        Check(AccessToken.Mint()).State.ShouldBe(AccessState.Unknown);
        // The id of a known token with another secret.
        Check(_token[..22] + AccessToken.Mint()[22..]).State.ShouldBe(AccessState.Unknown);
    }

    [Fact]
    public void A_token_ends_at_its_time_to_the_microsecond()
    {
        Know(Tokens.Record(_token, "status") with { Expires = Tokens.After(TimeSpan.FromSeconds(10)) });
        _time.Advance(TimeSpan.FromSeconds(10) - TimeSpan.FromMicroseconds(1));
        Check(_token).State.ShouldBe(AccessState.Granted);
        _time.Advance(TimeSpan.FromMicroseconds(1));
        Check(_token).State.ShouldBe(AccessState.Expired);
    }

    [Fact]
    public void A_revoked_token_is_refused_also_when_the_older_record_comes_later()
    {
        var record = Tokens.Record(_token, "status");
        Know(record);
        var identity = Check(_token).Identity!;
        _guard.Again(identity).ShouldBe(AccessState.Granted);
        Know(record with { Revoked = Tokens.Start }, 2);
        Know(record, 1);
        Check(_token).State.ShouldBe(AccessState.Revoked);
        _guard.Again(identity).ShouldBe(AccessState.Revoked);
        _book.Remove(record.Id);
        _guard.Again(identity).ShouldBe(AccessState.Unknown);
    }

    [Fact]
    public void A_token_with_a_purpose_needs_that_purpose_named()
    {
        Know(Tokens.Record(_token, "status") with { Purpose = "audit" });
        Check(_token).State.ShouldBe(AccessState.WrongPurpose);
        Check(_token, "Audit").State.ShouldBe(AccessState.WrongPurpose);
        Check(_token, "audit").State.ShouldBe(AccessState.Granted);
        var identity = Check(_token, "audit").Identity!;
        _guard.IsPurposeToLog(identity).ShouldBeTrue();
        _guard.IsPurposeToLog(identity).ShouldBeFalse();
        _time.Advance(TimeSpan.FromMinutes(1));
        _guard.IsPurposeToLog(identity).ShouldBeTrue();
    }

    [Fact]
    public void A_book_that_is_not_kept_current_lets_only_the_root_in()
    {
        _book.Put(Tokens.Record(_token, "status"), new Sequence(1), Tokens.Start).ShouldBeTrue();
        _guard.IsStale.ShouldBeTrue();
        Check(_token).State.ShouldBe(AccessState.Stale);
        Check(_root).State.ShouldBe(AccessState.Granted);
        _guard.MarkCurrent(_guard.Now);
        var identity = Check(_token).Identity!;
        _time.Advance(TimeSpan.FromMinutes(1));
        Check(_token).State.ShouldBe(AccessState.Granted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Check(_token).State.ShouldBe(AccessState.Stale);
        _guard.Again(identity).ShouldBe(AccessState.Stale);
        Check(AccessToken.Mint()).State.ShouldBe(AccessState.Stale);
        _guard.Check(null, null).State.ShouldBe(AccessState.Missing);
        _guard.MarkCurrent(_guard.Now);
        Check(_token).State.ShouldBe(AccessState.Granted);
    }

    [Fact]
    public void The_root_token_is_known_by_its_hash_alone()
    {
        _guard.MarkCurrent(_guard.Now);
        Check(_root).Identity.ShouldBe(AccessIdentity.Root);
        Check(_root[..^1] + (_root[^1] == 'A' ? 'E' : 'A')).State.ShouldBe(AccessState.Unknown);
    }

    [Fact]
    public void Where_access_is_open_nobody_is_asked()
    {
        var open = AccessGuard.Open(_time);
        open.IsStale.ShouldBeFalse();
        var result = open.Check(null, null);
        result.State.ShouldBe(AccessState.Granted);
        result.Identity!.Covers(AccessAction.Write, AccessTarget.OfVault("a", "b")).ShouldBeTrue();
        result.Identity.Covers(AccessAction.Admin, AccessTarget.None).ShouldBeTrue();
    }

    [Fact]
    public void A_full_book_forgets_what_is_of_no_use_and_then_takes_no_more()
    {
        var book = new AccessBook(3);
        var gone = Tokens.Record(AccessToken.Mint(), "status") with { Revoked = Tokens.Start };
        book.Put(gone, new Sequence(2), Tokens.Start).ShouldBeTrue();
        for (var more = 0; more < 3; more++)
            book.Put(Tokens.Record(AccessToken.Mint(), "status"), new Sequence(1), Tokens.Start).ShouldBeTrue();
        book.Find(gone.Id).ShouldBeNull();
        book.Put(Tokens.Record(_token, "status"), new Sequence(1), Tokens.Start).ShouldBeFalse();
        book.Count.ShouldBe(3);
        book.Check(_token, AccessToken.HashOf(_token), Tokens.Start).State.ShouldBe(AccessState.Unknown);
    }

    [Fact]
    public void Tokens_are_listed_page_by_page_in_the_order_of_their_ids()
    {
        for (var more = 0; more < 25; more++) Know(Tokens.Record(AccessToken.Mint(), "status"));
        var ids = new List<string>();
        while (_book.List(ids.LastOrDefault(), 10) is { Count: > 0 } page) ids.AddRange(page.Select(record => record.Id));
        ids.Count.ShouldBe(25);
        ids.ShouldBe(ids.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_check_allocates_nothing()
    {
        Know(Tokens.Record(_token, "read:acme/*"));
        var header = "Bearer " + _token;
        var target = AccessTarget.OfVault("acme", "x");
        for (var warm = 0; warm < 1000; warm++) _guard.Check(header, null).Identity!.Covers(AccessAction.Read, target);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var round = 0; round < 1000; round++) _guard.Check(header, null).Identity!.Covers(AccessAction.Read, target);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    private AccessResult Check(string token, string? purpose = null) => _guard.Check("Bearer " + token, purpose);

    private void Know(TokenRecord record, long sequence = 1)
    {
        _book.Put(record, new Sequence(sequence), Tokens.Start).ShouldBeTrue();
        _guard.MarkCurrent(_guard.Now);
    }
}
