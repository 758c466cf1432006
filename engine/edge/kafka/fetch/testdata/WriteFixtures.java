import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Writes with Kafka's own client what record-batch.test.ts reads: topic `fixture-<codec>`, one batch of five records for
 * each codec; topic `fixture-transactions`: an aborted and a committed transaction, interleaved, and a record without one.
 * Arguments: host:port of a broker that has the topics, one partition each.
 */
public class WriteFixtures {
  static final long TIME = 1_700_000_000_000L;

  static byte[] bytes(String text) {
    return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
  }

  static KafkaProducer<byte[], byte[]> producer(String broker, String... settings) {
    Properties all = new Properties();
    all.put("bootstrap.servers", broker);
    all.put("linger.ms", "200");
    all.put("batch.size", "1000000");
    for (int i = 0; i < settings.length; i += 2) all.put(settings[i], settings[i + 1]);
    return new KafkaProducer<>(all, new ByteArraySerializer(), new ByteArraySerializer());
  }

  static ProducerRecord<byte[], byte[]> record(String topic, int i, String key, String value) {
    return new ProducerRecord<>(topic, 0, TIME + i, bytes(key), bytes(value));
  }

  /** Of the present: a log begins a new segment where times jump, and a fetch reads one segment. */
  static ProducerRecord<byte[], byte[]> record(String topic, String key, String value) {
    return new ProducerRecord<>(topic, 0, bytes(key), bytes(value));
  }

  static void codec(String broker, String codec) throws Exception {
    String topic = "fixture-" + codec;
    try (KafkaProducer<byte[], byte[]> producer = producer(broker, "compression.type", codec)) {
      producer.send(record(topic, 0, "a", "first"));
      producer.send(record(topic, 5, null, "no key"));
      producer.send(record(topic, -300_000, "gone", null));
      ProducerRecord<byte[], byte[]> headed = record(topic, 7, "", "");
      headed.headers().add(new RecordHeader("trace", bytes("42"))).add(new RecordHeader("nothing", (byte[]) null));
      headed.headers().add(new RecordHeader("\u5e97", new byte[0]));
      producer.send(headed);
      StringBuilder long_ = new StringBuilder();
      for (int i = 0; i < 800; i++) long_.append(i * 7919L % 10_007).append(i % 50 == 0 ? "\n" : ",");
      for (int i = 0; i < 100; i++) long_.append("the same again and again ");
      producer.send(record(topic, 8, "long", long_.toString().repeat(5)));
    }
  }

  static void transactions(String broker) throws Exception {
    String topic = "fixture-transactions";
    try (KafkaProducer<byte[], byte[]> a = producer(broker, "transactional.id", "a", "linger.ms", "0");
        KafkaProducer<byte[], byte[]> b = producer(broker, "transactional.id", "b", "linger.ms", "0");
        KafkaProducer<byte[], byte[]> c = producer(broker, "linger.ms", "0")) {
      a.initTransactions();
      b.initTransactions();
      a.beginTransaction();
      b.beginTransaction();
      a.send(record(topic, "a", "aborted")).get();
      b.send(record(topic, "b", "committed")).get();
      c.send(record(topic, "c", "alone")).get();
      a.send(record(topic, "a", "aborted")).get();
      a.abortTransaction();
      a.beginTransaction();
      a.send(record(topic, "a", "committed")).get();
      b.send(record(topic, "b", "committed")).get();
      a.commitTransaction();
      b.commitTransaction();
    }
  }

  public static void main(String[] args) throws Exception {
    for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) codec(args[0], codec);
    transactions(args[0]);
  }
}
