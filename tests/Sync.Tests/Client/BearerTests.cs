using Shouldly;
using Sync.Client;
using Sync.Client.Changefeeds;
using Sync.Contracts;
using Xunit;

namespace Sync.Tests.Client;

/// <summary>The token that a client's requests carry.</summary>
public sealed class BearerTests : IDisposable
{
    private static readonly SyncClientOptions Options = ScriptedWriter.Options with { PlainHttp = true };
    private readonly PauseClock _clock = new();
    private readonly ScriptedWriter _writer = new();
    private readonly string _file = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N"));

    [Fact]
    public async Task Every_request_carries_the_token_and_the_purpose()
    {
        await using var client = _writer.Client(_clock, Options with { Token = "sync_a_b", Purpose = "billing" });
        using var feed = new ChangefeedClient(Options with { Token = "sync_a_b" }, time: _clock, http: _writer);

        await HasAsync(client.Writer.StatusAsync(), "Bearer sync_a_b", "billing");
        await HasAsync(client.WriteAsync(ScriptedWriter.Put("1")), "Bearer sync_a_b", "billing");
        await HasAsync(feed.ReadAsync(new FeedRequest(new FeedFilter { Vault = "acme" })).GetAsyncEnumerator().MoveNextAsync().AsTask(), "Bearer sync_a_b", null);
    }

    [Fact]
    public async Task Without_a_token_there_is_no_header()
    {
        await using var client = _writer.Client(_clock);
        await HasAsync(client.Writer.StatusAsync(), null, null);
    }

    [Fact]
    public async Task A_token_written_to_the_file_is_used_within_five_seconds()
    {
        await WriteAsync("sync_old\n", 1);
        await using var client = _writer.Client(_clock, Options with { TokenFile = _file });
        await HasAsync(client.Writer.StatusAsync(), "Bearer sync_old", null);

        await WriteAsync("sync_new\n", 2);
        await HasAsync(client.Writer.StatusAsync(), "Bearer sync_old", null);
        _clock.Advance(TimeSpan.FromSeconds(5.1));
        await HasAsync(client.Writer.StatusAsync(), "Bearer sync_new", null);

        await WriteAsync("", 3);
        _clock.Advance(TimeSpan.FromSeconds(5.1));
        await HasAsync(client.Writer.StatusAsync(), "Bearer sync_new", null);
        File.Delete(_file);
        _clock.Advance(TimeSpan.FromSeconds(5.1));
        await HasAsync(client.Writer.StatusAsync(), "Bearer sync_new", null);
    }

    [Theory]
    [InlineData("two\nlines")]
    [InlineData("a b")]
    [InlineData("")]
    public async Task What_is_no_token_stops_the_start_and_is_not_shown(string text)
    {
        await WriteAsync(text, 1);
        var options = Options with { TokenFile = _file };
        var error = Should.Throw<SyncException>(() => _writer.Client(_clock, options));
        error.Code.ShouldBe(SyncErrorCode.Invalid);
        error.Message.ShouldContain("does not hold a token");
        if (text.Length > 0) error.Message.ShouldNotContain(text);
    }

    [Fact]
    public void A_missing_file_stops_the_start() =>
        Should.Throw<SyncException>(() => _writer.Client(_clock, Options with { TokenFile = _file }))
            .Message.ShouldContain("cannot be read");

    [Fact]
    public void A_token_does_not_travel_in_clear_beyond_this_machine()
    {
        var options = new SyncClientOptions { Token = "t", Writers = ["http://10.0.0.1:5080", "https://10.0.0.2", "http://[::1]:5080"] };
        options.Validate().ShouldHaveSingleItem().ShouldContain("http://10.0.0.1:5080, where the token would travel in clear");
        (options with { PlainHttp = true }).Validate().ShouldBeEmpty();
        (options with { Token = null }).Validate().ShouldBeEmpty();
    }

    [Fact]
    public void Options_do_not_print_the_token() =>
        (Options with { Token = "canary" }).ToString().ShouldNotContain("canary");

    public void Dispose()
    {
        File.Delete(_file);
        _writer.Dispose();
    }

    private async Task HasAsync(Task call, string? authorization, string? purpose)
    {
        var request = await _writer.NextAsync();
        request.Header("Authorization").ShouldBe(authorization);
        request.Header("Sync-Purpose").ShouldBe(purpose);
        request.Answer(System.Net.HttpStatusCode.Forbidden, Call.Problem("forbidden", 403));
        await call.ContinueWith(_ => { }, TaskScheduler.Default).WaitAsync(ScriptedWriter.WaitMax);
    }

    private async Task WriteAsync(string text, int version)
    {
        await File.WriteAllTextAsync(_file, text);
        File.SetLastWriteTimeUtc(_file, new DateTime(2026, 1, 1, 0, 0, version, DateTimeKind.Utc));
    }
}
