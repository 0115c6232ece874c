using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Sync.Contracts;

namespace Sync.ChaosTests.Clients;

/// <summary>Follows the changefeed of every feed of the load from its beginning, over connections that it ends at
/// drawn moments. Lines: <c>open</c> (feed, conn, the cursor it begins behind), <c>change</c>, <c>moved</c> (a cursor
/// alone), <c>reset</c>, <c>closed</c>. After a reset it begins anew.</summary>
internal sealed class FeedReader(HttpClient http, ClientArguments arguments, EventLog log, int feed)
{
    // Three heartbeats of the writer.
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(30);
    private readonly Random _random = new(HashCode.Combine(arguments.Seed, arguments.Index, feed));
    private string? _cursor;
    private int _connection;

    public static async Task RunAsync(ClientArguments arguments, EventLog log, CancellationToken stop)
    {
        using var http = new HttpClient(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(2), UseProxy = false })
        { Timeout = Timeout.InfiniteTimeSpan };
        var feeds = Load.Vaults.Select(vault => Feeds.Of(vault, Feeds.CountDefault).Value).Distinct();
        await Task.WhenAll(feeds.Select(feed => new FeedReader(http, arguments, log, feed).FollowAsync(stop)));
    }

    private async Task FollowAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var number = ++_connection;
            string why;
            try
            {
                why = await ConnectAsync(number, stop);
            }
            catch (Exception error) when (
                error is HttpRequestException or IOException or SocketException or TimeoutException or JsonException
                || (error is OperationCanceledException && !stop.IsCancellationRequested))
            {
                why = error.GetType().Name + ": " + error.Message;
            }
            Write("closed", number, json => json.WriteString("why"u8, why));
            await Task.Delay(TimeSpan.FromMilliseconds(_random.Next(50, 400)), stop);
        }
    }

    private async Task<string> ConnectAsync(int number, CancellationToken stop)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var blocks = _random.Next(20, 3_000);
        ended.CancelAfter(TimeSpan.FromMilliseconds(_random.Next(300, 15_000)));
        var writer = arguments.Writers[_random.Next(arguments.Writers.Count)].TrimEnd('/');
        using var request = new HttpRequestMessage(HttpMethod.Get,
            string.Create(CultureInfo.InvariantCulture,
                $"{writer}/v1/events?feed={feed}{(_cursor is null ? "&from=beginning" : "")}"));
        request.Headers.Accept.ParseAdd("text/event-stream");
        if (_cursor is not null) request.Headers.Add("Last-Event-ID", _cursor);
        using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ended.Token);
        if (!answer.IsSuccessStatusCode) return $"status {(int)answer.StatusCode}";
        Write("open", number, json => json.WriteString("cursor"u8, _cursor ?? ""));
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(ended.Token), Encoding.UTF8);
        while (blocks-- > 0 && await EventLines.NextAsync(reader, SilenceMax, ended.Token) is { } block)
        {
            if (Take(number, block)) return "reset";
        }
        return blocks < 0 ? "enough" : "ended";
    }

    /// <returns>True when it must begin anew.</returns>
    private bool Take(int number, EventBlock block)
    {
        if (block.Name == "reset")
        {
            Write("reset", number, json => json.WriteString("why"u8, block.Data));
            _cursor = null;
            return true;
        }
        if (block.Id is null) return false;
        var cursor = block.Id.Split('-');
        var (position, history) = (Long(cursor[2]), Long(cursor[1]));
        if (block.Name == "change")
        {
            using var parsed = JsonDocument.Parse(block.Data);
            var envelope = parsed.RootElement;
            Write("change", number, json =>
            {
                json.WriteNumber("pos"u8, envelope.GetProperty("position"u8).GetInt64());
                json.WriteNumber("hist"u8, envelope.GetProperty("history"u8).GetInt64());
                json.WriteNumber("behind"u8, position);
                json.WriteString("fact"u8, envelope.GetProperty("id"u8).GetGuid());
                json.WriteString("h"u8, envelope.GetProperty("hash"u8).GetString().AsSpan(0, 16));
            });
        }
        else
        {
            Write(block.Name ?? "moved", number, json =>
            {
                json.WriteNumber("pos"u8, position);
                json.WriteNumber("hist"u8, history);
            });
        }
        _cursor = block.Id;
        return false;
    }

    private void Write(string kind, int number, Action<Utf8JsonWriter> more) => log.Write(kind, json =>
    {
        json.WriteNumber("feed"u8, feed);
        json.WriteNumber("conn"u8, number);
        more(json);
    });

    private static long Long(string text) => long.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
