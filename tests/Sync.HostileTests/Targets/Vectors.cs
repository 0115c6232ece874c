using System.Text;
using Sync.MessagePack;
using Sync.Tests.MessagePack;

namespace Sync.HostileTests.Targets;

/// <summary>The golden vectors of a message, good and bad, and where a message has another codec, its form in that.</summary>
internal static class Vectors
{
    private const int BytesMax = 2000;

    public static IEnumerable<byte[]> Of(string message) => message switch
    {
        "envelope" or "peek" => All("envelopes.json"),
        "beat" => All("beats.json"),
        "json-envelope" => Good("envelopes.json").Select(bytes => Samples.Bytes(
            to => JsonEnvelopeCodec.Default.Encode(EnvelopeCodec.Default.Decode(bytes).Value, to))),
        "json-beat" => Good("beats.json").Select(bytes => Samples.Bytes(
            to => JsonEnvelopeCodec.Default.Encode(BeatCodec.Decode(bytes).Value, to))),
        "value" => [.. All("format.json"), .. All("malformed.json"), .. All("foreign.json")],
        "json" => VectorFile.Vectors("json.json", "both").Concat(VectorFile.Vectors("json.json", "refused"))
            .Where(vector => vector.Text("json") is { Length: > 0 and < BytesMax })
            .Select(vector => Encoding.UTF8.GetBytes(vector.Text("json")!)),
        _ => VectorFile.Vectors("messages.json").Where(vector => vector.Text("message") == message)
            .Select(vector => vector.Bytes()).Where(bytes => bytes.Length < BytesMax),
    };

    private static IEnumerable<byte[]> All(string file) =>
        VectorFile.Vectors(file).Select(vector => vector.Bytes()).Where(bytes => bytes.Length < BytesMax);

    private static IEnumerable<byte[]> Good(string file) =>
        VectorFile.Vectors(file).Where(vector => vector.Has("decoded")).Select(vector => vector.Bytes());
}
