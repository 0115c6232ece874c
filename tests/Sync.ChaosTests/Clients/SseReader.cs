using System.Buffers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Sync.Contracts;
using Sync.MessagePack;

namespace Sync.ChaosTests.Clients;

/// <summary>Reads the event stream of a replica host as a browser would. Lines: <c>open</c> (a new snapshot follows),
/// <c>ready</c>, <c>put</c> and <c>delete</c>, <c>reset</c>, <c>closed</c>. The slow one stops reading in the middle
/// until it is cut off, and says after how long (<c>cut</c>).</summary>
internal sealed class SseReader(HttpClient http, ClientArguments arguments, EventLog log)
{
    private const int SlowBufferBytes = 4096;
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan SlowFor = TimeSpan.FromSeconds(10);
    private readonly ArrayBufferWriter<byte> _value = new(1024);

    public static async Task RunAsync(ClientArguments arguments, EventLog log, CancellationToken stop)
    {
        using var http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (context, cancellation) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                if (arguments.Slow) socket.ReceiveBufferSize = SlowBufferBytes;
                try
                {
                    await socket.ConnectAsync(context.DnsEndPoint, cancellation);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        })
        { Timeout = Timeout.InfiniteTimeSpan };
        await new SseReader(http, arguments, log).FollowAsync(stop);
    }

    private async Task FollowAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            string why;
            try
            {
                why = await ConnectAsync(stop);
            }
            catch (Exception error) when (
                error is HttpRequestException or IOException or SocketException or TimeoutException or JsonException
                || (error is OperationCanceledException && !stop.IsCancellationRequested))
            {
                why = error.GetType().Name + ": " + error.Message;
            }
            log.Write("closed", json => json.WriteString("why"u8, why));
            await Task.Delay(TimeSpan.FromMilliseconds(250), stop);
        }
    }

    private async Task<string> ConnectAsync(CancellationToken stop)
    {
        // The slow one takes all collections, so that what it does not read soon fills every buffer on the way.
        var path = arguments.Slow ? $"/v1/stream?group={Load.Group}"
            : $"/v1/stream?group={Load.Group}&collection={Load.Collection}";
        using var request = new HttpRequestMessage(HttpMethod.Get, arguments.Host!.TrimEnd('/') + path);
        request.Headers.Accept.ParseAdd("text/event-stream");
        using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop).WaitAsync(
            SilenceMax, stop);
        if (!answer.IsSuccessStatusCode) return $"status {(int)answer.StatusCode}";
        log.Write("open", _ => { });
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(stop), Encoding.UTF8);
        for (var blocks = 0; ; blocks++)
        {
            if (arguments.Slow && blocks == 3) return await SleepAsync(reader, stop);
            if (await EventLines.NextAsync(reader, SilenceMax, stop) is not { } block) return "ended";
            Take(block);
        }
    }

    // What the kernel still held comes first; then either the end that the host made, or the stream goes on.
    private async Task<string> SleepAsync(StreamReader reader, CancellationToken stop)
    {
        var since = MachineClock.Now;
        await Task.Delay(SlowFor, stop);
        var isCut = false;
        try
        {
            while (MachineClock.Now - since < 2 * SlowFor.TotalMicroseconds)
            {
                if (await reader.ReadLineAsync(stop).AsTask().WaitAsync(SilenceMax, stop) is not null) continue;
                isCut = true;
                break;
            }
        }
        catch (Exception error) when (error is IOException or HttpRequestException or SocketException)
        {
            isCut = true;
        }
        log.Write(isCut ? "cut" : "not-cut", json => json.WriteNumber("after"u8, MachineClock.Now - since));
        return "slow";
    }

    private void Take(EventBlock block)
    {
        switch (block.Name)
        {
            case "snapshot":
                using (var page = JsonDocument.Parse(block.Data))
                    foreach (var item in page.RootElement.GetProperty("items"u8).EnumerateArray())
                        Write("put", item);
                break;
            case "put" or "delete":
                using (var change = JsonDocument.Parse(block.Data)) Write(block.Name, change.RootElement);
                break;
            case "ready" or "reset":
                log.Write(block.Name, _ => { });
                break;
        }
    }

    private void Write(string kind, JsonElement record)
    {
        _value.ResetWrittenCount();
        if (record.TryGetProperty("value"u8, out var value)
            && !JsonTranscoder.TryToMsgPack(
                Encoding.UTF8.GetBytes(value.GetRawText()), _value, out _)) _value.ResetWrittenCount();
        log.Write(kind, json =>
        {
            json.Key(new SyncedKey(Text(record, "vault"), Text(record, "collection"), Text(record, "key")));
            if (record.TryGetProperty("sequence"u8, out var sequence)) json.WriteNumber("seq"u8, sequence.GetInt64());
            json.Place((int)Number(record, "feed"), Number(record, "position"), Number(record, "history"));
            if (_value.WrittenCount > 0) json.Hash(ChaosValue.Hash(_value.WrittenSpan));
        });
    }

    private static string Text(JsonElement json, string name) => json.GetProperty(name).GetString()!;

    private static long Number(JsonElement json, string name) => json.GetProperty(name).GetInt64();
}
